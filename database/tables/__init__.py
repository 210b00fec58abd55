"""Every table, by subject. Tables only store: values are checked before they come here."""

from database.tables.campaigns import (
    Approval,
    ApprovalVoid,
    Campaign,
    CampaignAddressee,
    CampaignStep,
    ControlAct,
    MissedNotice,
)
from database.tables.facts import ClockOffset, Fact
from database.tables.mail import (
    DeliveryEvent,
    Link,
    MailAttempt,
    MailStop,
    MailSuppression,
    OutboxMail,
    ReminderOptOut,
)
from database.tables.people import (
    Account,
    AccountImport,
    AccountImportRow,
    ApiKey,
    AssertedVersion,
    Staff,
)
from database.tables.policies import (
    Assessment,
    AssessmentFinding,
    Finding,
    FindingDecision,
    FindingSentence,
    Policy,
    PolicyVersion,
    Review,
    VersionSummary,
)
from database.tables.requests import DataSubjectRequest, FiredRung, RequestDecision

__all__ = [
    "Account",
    "AccountImport",
    "AccountImportRow",
    "ApiKey",
    "Approval",
    "ApprovalVoid",
    "AssertedVersion",
    "Assessment",
    "AssessmentFinding",
    "Campaign",
    "CampaignAddressee",
    "CampaignStep",
    "ClockOffset",
    "ControlAct",
    "DataSubjectRequest",
    "DeliveryEvent",
    "Fact",
    "Finding",
    "FindingDecision",
    "FindingSentence",
    "FiredRung",
    "Link",
    "MailAttempt",
    "MailStop",
    "MailSuppression",
    "MissedNotice",
    "OutboxMail",
    "Policy",
    "PolicyVersion",
    "ReminderOptOut",
    "RequestDecision",
    "Review",
    "Staff",
    "VersionSummary",
]
