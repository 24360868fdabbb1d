"""Other people's clients against our stand-ins: what they accept, the services' own callers would accept.

Usage: stand_ins.py http://127.0.0.1:PORT   (scripts/judges starts the stand-in). One line for each judge; exit code 1 if
one is not satisfied.
"""

import hashlib
import hmac
import sys
import time
import traceback

BASE = sys.argv[1].rstrip("/")
JUDGES = []


def judge(function):
    JUDGES.append(function)
    return function


def breathe():
    """Five requests a second are Airtable's limit, and the stand-in's; the client does not know it."""
    time.sleep(1.1)


def refused(call, *kinds):
    try:
        call()
    except kinds as error:
        return error
    raise AssertionError("it was not refused")


@judge
def pyairtable_reads_records():
    import requests
    from pyairtable import Api
    from pyairtable.formulas import match

    api = Api("patFAKE.0000", endpoint_url=f"{BASE}/airtable")
    table = api.table("appFAKE0000000001", "Orders")
    records = table.all(page_size=20)
    assert len(records) == 40, len(records)
    assert all(record["id"].startswith("rec") and record["createdTime"] for record in records)
    assert table.get(records[2]["id"])["fields"] == records[2]["fields"]
    breathe()
    first = table.first(formula=match({"ID": records[4]["fields"]["ID"]}))
    assert first["id"] == records[4]["id"]
    # Long formulas go as a body, by its own decision.
    ids = ",".join(f"RECORD_ID()='recNOBODY{number:08}'" for number in range(600))
    assert table.all(formula=f"OR({ids},RECORD_ID()='{records[0]['id']}')")[0]["id"] == records[0]["id"]
    breathe()
    error = refused(lambda: table.all(formula="OOPS("), requests.HTTPError)
    assert "INVALID_FILTER_BY_FORMULA" in str(error), error
    wrong = Api("patWRONG", endpoint_url=f"{BASE}/airtable").table("appFAKE0000000001", "Orders")
    assert "AUTHENTICATION_REQUIRED" in str(refused(lambda: wrong.first(), requests.HTTPError))


@judge
def slack_sdk_posts_messages():
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError

    client = WebClient(token="xoxb-fake", base_url=f"{BASE}/slack/api/")
    answer = client.chat_postMessage(channel="#ops", text="*hello*", blocks=[{"type": "divider"}])
    assert answer["ok"] and answer["ts"] and answer["message"]["text"] == "*hello*"
    error = refused(lambda: client.chat_postMessage(channel="#nowhere", text="x"), SlackApiError)
    assert error.response["error"] == "channel_not_found"
    stranger = WebClient(token="xoxb-wrong", base_url=f"{BASE}/slack/api/")
    assert refused(lambda: stranger.chat_postMessage(channel="#ops", text="x"), SlackApiError).response["error"] == "invalid_auth"


@judge
def resend_sends_mails():
    import resend

    resend.api_url = f"{BASE}/resend"
    resend.api_key = "re_fake"
    mail = {"from": "a@mail.test", "to": ["b@mail.test"], "subject": "שלום", "html": "<p>x</p>"}
    first = resend.Emails.send(mail, {"idempotency_key": "judge-1"})
    again = resend.Emails.send(mail, {"idempotency_key": "judge-1"})
    assert first["id"] == again["id"]
    other = refused(lambda: resend.Emails.send({**mail, "subject": "x"}, {"idempotency_key": "judge-1"}), Exception)
    assert "invalid_idempotent_request" in str(other.__dict__) or "409" in str(other.__dict__), other.__dict__
    refused(lambda: resend.Emails.send({"from": "a@mail.test", "to": ["b@mail.test"]}), Exception)


@judge
def pywa_sends_templates():
    import httpx
    from pywa import WhatsApp
    from pywa.errors import TemplateNotExists
    from pywa.types.templates import BodyText, HeaderDocument, TemplateLanguage

    client = WhatsApp(phone_id="2000000001", token="EAAFAKE", server=None)
    client.api._session.base_url = httpx.URL(f"{BASE}/graph/v23.0")
    sent = client.send_template(
        to="999500000001", name="visa_status_update", language=TemplateLanguage.HEBREW, params=[BodyText.params("דנה")]
    )
    assert sent.id.startswith("wamid."), sent
    refused(
        lambda: client.send_template(
            to="999500000001", name="no_such_template", language=TemplateLanguage.HEBREW, params=[BodyText.params("x")]
        ),
        TemplateNotExists,
    )


@judge
def pywa_accepts_metas_signature():
    from pywa.utils import webhook_updates_validator

    body = (
        b'{"object":"whatsapp_business_account","entry":[{"id":"1000000001","changes":[{"field":"messages",'
        b'"value":{"note":"\\u05e9\\u05dc\\u05d5\\u05dd"}}]}]}'
    )
    tag = "sha256=" + hmac.new(b"demo-app-secret", body, hashlib.sha256).hexdigest()
    assert tag == "sha256=3dfcf4a2cd929192a6051629be8b297426c7dd3c96f74607226bf7d847408a3e", tag
    assert webhook_updates_validator("demo-app-secret", body, tag)


def main():
    failed = 0
    for function in JUDGES:
        name = function.__name__.replace("_", " ")
        try:
            function()
            print(f"satisfied   {name}")
        except Exception:
            failed += 1
            print(f"NOT         {name}")
            traceback.print_exc()
    sys.exit(1 if failed else 0)


main()
