"""The stories whose histories are stored: every path of every workflow, lived in a town."""

from tests.workflows import (
    stories_of_alarms,
    stories_of_campaigns,
    stories_of_changes_of_mind,
    stories_of_instructions,
    stories_of_mails,
    stories_of_publications,
    stories_of_requests,
)

STORIES = (
    *stories_of_campaigns.STORIES,
    *stories_of_changes_of_mind.STORIES,
    *stories_of_publications.STORIES,
    *stories_of_requests.STORIES,
    *stories_of_instructions.STORIES,
    *stories_of_mails.STORIES,
    *stories_of_alarms.STORIES,
)
