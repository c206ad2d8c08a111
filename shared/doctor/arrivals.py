"""What comes in and goes out: events, rows of the log, notices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from shared.azure.logs import STREAMS, Logs
from shared.azure.notices import Notices
from shared.canaries import flights
from shared.doctor import Found, Patient, of_each, ok, unknown, wrong
from shared.errors import PortcullisError, Refused, Transient, Unauthenticated, Why
from shared.model import Detector, Resource, ResourceId, ResourceType, State, digest

_WATCHES: Final = "subscription-not-watched"
"""The control that judges whether events are delivered."""
_QUIET: Final = timedelta(days=1)
_RULES: Final = ResourceType("Microsoft.Insights/dataCollectionRules", api_version="2023-03-11")
_DEPLOY: Final = "deploy again: the rule is older than what is sent (infra has its columns)"
_SIGN_IN: Final = "az login; for an app: give it a managed identity, named in AZURE_CLIENT_ID"


def events(patient: Patient) -> Iterator[Found]:
    """Whether Event Grid is told to deliver what changes in each subscription to us."""
    detector = patient.controls[_WATCHES].detector
    yield from of_each(patient.watched, lambda scope: _delivered(patient, detector, scope))


def heard(patient: Patient) -> Iterator[Found]:
    """When an event last came; no check can tell silence from a quiet estate."""
    last, now = patient.vital.last_event, patient.state.now()
    if last is None:
        yield unknown("", "none ever came", "change a tag of anything watched, and ask")
    elif now - last > _QUIET:
        message = f"none since {last.isoformat()[:19]}"
        yield unknown("", message, "change a tag of anything watched, and ask again")
    else:
        yield ok("", last.isoformat()[:19])


def canaries(patient: Patient) -> Iterator[Found]:
    """Whether what we change in each subscription to be heard of is heard of."""
    if not patient.settings.canary:
        yield ok("", "none is wanted: silence of Event Grid looks like peace")
        return
    known = list(flights(patient.state))
    back = [one.seconds for one in known if one.seconds is not None and not one.lost]
    for one in known:
        scope = ResourceId(f"/subscriptions/{one.subscription}")
        if one.lost:
            message = "the canary did not come back: events do not arrive"
            yield wrong(scope.text, message, _subscribe(scope))
        elif one.refused:
            yield wrong(
                scope.text, f"the canary cannot be changed: {one.refused}", _subscribe(scope)
            )
    if back:
        yield ok("", f"{len(back)} came back, the slowest in {max(back):.0f} s")
    elif not known:
        yield unknown("", "none was sent yet", "the gate sends them once it has swept: its /health")


def _delivered(patient: Patient, detector: Detector, scope: ResourceId) -> Iterator[Found]:
    found = patient.observer.observe(scope)
    if found is None:
        yield unknown(scope.text, "it does not exist")
        return
    verdict, seen = patient.observer.judge(detector, found, {})
    if verdict.state is State.UNKNOWN:
        yield unknown(scope.text, verdict.reason)
    elif verdict.evidence:
        yield wrong(scope.text, str(verdict.evidence[0].observed), _subscribe(scope))
    elif patient.settings.own.accounts and not _to_us(patient, seen):
        named = ", ".join(sorted(patient.settings.own.accounts))
        message = f"events go to another account than {named}"
        yield wrong(scope.text, message, _subscribe(scope))
    else:
        yield ok(scope.text, "writes and deletes are delivered")


def _to_us(patient: Patient, seen: Resource) -> bool:
    """Whether some delivery leads to our account, or to the app that we run in."""
    own = patient.settings.own
    return any(
        end.name.casefold() in own.accounts or own.apps & {end, end.parent}
        for one in (*seen.related("deliveries"), *seen.related("direct"))
        for pointer in _ENDS
        if (end := ResourceId(str(one.get(pointer) or "/")))
    )


_ENDS: Final = (
    "/properties/destination/properties/resourceId",
    "/properties/deliveryWithResourceIdentity/destination/properties/resourceId",
)


def _subscribe(scope: ResourceId) -> str:
    return f"portcullis onboard {scope.subscription}, in the checkout that it was deployed from"


def logs(patient: Patient) -> Iterator[Found]:
    """Whether the data collection rule takes a row, and knows every column that is sent."""
    given = patient.settings.logs
    sink = next((one for one in patient.sinks if isinstance(one, Logs)), None)
    if given is None or sink is None:
        mend = "set PORTCULLIS_LOGS_ENDPOINT and PORTCULLIS_LOGS_RULE"
        yield unknown("", "no data collection rule is named: nothing was sent", mend)
        return
    yield _taken(patient, sink, given.rule)
    yield from _columns(patient, given.rule)


def _taken(patient: Patient, sink: Logs, rule: str) -> Found:
    at = patient.state.now().isoformat()
    record = {
        "EventId": digest(["doctor", at]),
        "OccurredAt": at,
        "Entry": "doctor",
        "Severity": "low",
        "Message": "somebody asks whether the log takes records; nothing is the matter",
    }
    try:
        sink.keep("health", [record])
    except Refused as refused:
        return wrong(rule, str(refused), _mended(patient, refused.why))
    except Unauthenticated as error:
        return wrong(rule, str(error), _SIGN_IN)
    except PortcullisError as error:
        return unknown(rule, str(error), "ask again later")
    return ok(rule, "it took a row")


def _mended(patient: Patient, why: Why) -> str:
    if why is Why.FORBIDDEN:
        return (
            f"az role assignment create --assignee {patient.who}"
            ' --role "Monitoring Metrics Publisher"'
            " --scope <id of the rule>; it may take half an hour to hold"
        )
    if why is Why.NOT_FOUND:
        return (
            "az monitor data-collection rule list --query '[].[name,immutableId,endpoints]',"
            " and set PORTCULLIS_LOGS_RULE and PORTCULLIS_LOGS_ENDPOINT by it"
        )
    return _DEPLOY


def _columns(patient: Patient, rule: str) -> Iterator[Found]:
    """What the rule declares against what is sent: Azure drops other columns without a word."""
    found = _document(patient, rule)
    if found is None:
        told = "what columns it declares cannot be read: PORTCULLIS_OWN names no such rule"
        yield unknown("columns", told, "add the rule's id to PORTCULLIS_OWN")
        return
    declared = found.get("/properties/streamDeclarations")
    faults = [
        f"{stream.name} {fault}"
        for stream in STREAMS.values()
        for fault in _differs(stream.columns, declared, stream.name)
    ]
    if faults:
        yield wrong("columns", "; ".join(faults), _DEPLOY)
    else:
        yield ok("columns", f"all streams of {found.id.name} are as they are sent")


def _document(patient: Patient, rule: str) -> Resource | None:
    for one in sorted(patient.settings.own.listed, key=lambda each: each.key):
        found = patient.arm.get(one, _RULES.api_version) if _RULES.matches(one) else None
        if found is not None and found.text("/properties/immutableId") == rule.casefold():
            return found
    return None


def _differs(columns: Any, declared: Any, stream: str) -> Iterator[str]:
    told = declared.get(stream) if isinstance(declared, dict) else None
    listed = told.get("columns") if isinstance(told, dict) else None
    if not isinstance(listed, list):
        yield "is not declared"
        return
    types = {str(one.get("name")): str(one.get("type")) for one in listed if isinstance(one, dict)}
    for name, kind in columns.items():
        if name not in types:
            yield f"lacks {name} ({kind})"
        elif types[name].casefold() != kind:
            yield f"has {name} as {types[name]}, not {kind}"


def topic(patient: Patient) -> Iterator[Found]:
    """Whether the topic answers. Nothing is published: people would be called."""
    at = patient.settings.topic
    sink = next((one for one in patient.sinks if isinstance(one, Notices)), None)
    if at is None or sink is None:
        yield ok("", "not set: nobody is notified")
        return
    mend = "is it there? az eventgrid topic list --query '[].[name,endpoint]'"
    try:
        status = sink.reach()
    except Unauthenticated as error:
        yield wrong(at, str(error), _SIGN_IN)
    except Transient as error:
        yield wrong(at, str(error), mend)
    else:
        yield _answered(patient, at, status, mend)


def _answered(patient: Patient, at: str, status: int, mend: str) -> Found:
    if status in (401, 403):
        role = f'az role assignment create --assignee {patient.who} --role "EventGrid Data Sender"'
        return wrong(at, f"it refuses our token: {status}", f"{role} --scope <id of the topic>")
    if status in (404, 410):
        return wrong(at, f"there is no such topic: {status}", mend)
    if status == 429 or status >= 500:
        return unknown(at, f"it answers {status}: ask again later")
    return ok(at, "it answers; nothing was published, so whether we may is not known")
