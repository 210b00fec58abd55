"""A link to the policy in force, for the company's forms on other sites (P1)."""

import json

from fastapi import APIRouter, Request, Response

from database.policies.policies import policy_by_slug, version_in_force
from web.addresses import Slug
from web.offered import offered
from web.readers import OnReader, Reader

router = APIRouter(prefix="/policies/{slug}")


@router.get("/policy-link.json")
def policy_link_json(slug: Slug, request: Request, reader: OnReader) -> Response:
    """Where the text in force is read, and which one it is; nulls before the first."""
    return offered(request, json.dumps(_link(reader, slug)), "application/json")


@router.get("/policy-link.js")
def policy_link_js(slug: Slug, request: Request, reader: OnReader) -> Response:
    """A script that puts the link where it is embedded; its words are text, never markup."""
    data = json.dumps(_link(reader, slug)).replace("<", "\\u003c")
    return offered(request, LINK_SCRIPT.replace("LINK", data), "text/javascript")


LINK_SCRIPT = """(function (policy) {
  "use strict";
  var here = document.currentScript;
  if (!here) { return; }
  var link = document.createElement("a");
  link.className = "promisekeeper-policy-link";
  link.href = policy.url;
  link.textContent = policy.words;
  here.parentNode.insertBefore(link, here);
})(LINK);
"""


def _link(reader: Reader, slug: str) -> dict[str, object]:
    site = reader.site
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        version = version_in_force(session, policy.id, site.now())
    title = reader.pages.title(policy)
    return {
        "policy": policy.slug,
        "words": title[:1].upper() + title[1:],
        "url": f"{site.company.base_url}/policies/{policy.slug}{reader.kept}",
        "version": version.number if version else None,
        "text_sha256": version.sha256 if version else None,
    }
