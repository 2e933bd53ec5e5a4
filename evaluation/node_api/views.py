"""All a node may do: say what it is, claim a run, fetch what that run needs, report, hand in, give up."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from catalog.errors import EntryNotFound
from catalog.hub_api.bodies import json_body, pieces
from catalog.hub_api.serving import Content, content_response
from evaluation.actions import companions, inputs, leases, nodes, outputs, recovery
from evaluation.models import Node
from evaluation.models.run import LEASE
from evaluation.node_api import bodies, claiming, waiting
from evaluation.node_api.endpoint import Grant
from evaluation.node_api.sending import send
from evaluation.queries.snapshots import snapshot_of_run


def register(request: HttpRequest, node: Node) -> HttpResponse:
    body = json_body(request)
    nodes.register(
        node=node,
        sandbox=str(body.get("sandbox", "")),
        hardware=bodies.facts_of(body, "hardware"),
        versions=bodies.facts_of(body, "versions"),
    )
    recovery.release_leases(node)  # who introduces itself works on nothing yet
    return JsonResponse({"node_id": node.pk, "name": node.name})


def claim(request: HttpRequest, node: Node) -> HttpResponse:
    """204 where nothing came within `?wait=` seconds."""
    nodes.note_seen(node)
    run_id = bodies.run_id_of(request)
    run = waiting.claim_within(bodies.wait_of(request), lambda: claiming.claim(node, run_id), request)
    order = claiming.described(run, node) if run is not None else None
    return JsonResponse(order) if order is not None else HttpResponse(status=204)


def companion(request: HttpRequest, grant: Grant, run_id: int) -> HttpResponse:
    """One more run of the same model, for the same process; 204 where there is none."""
    run = claiming.companion(grant.node, run_id, grant.lease_token)
    order = claiming.described(run, grant.node) if run is not None else None
    return JsonResponse(order) if order is not None else HttpResponse(status=204)


def hand_back(request: HttpRequest, grant: Grant, run_id: int) -> HttpResponse:
    """A companion that has not begun."""
    run = companions.hand_back(run_id=run_id, node=grant.node, lease_token=grant.lease_token)
    inputs.forget(run_id)
    return JsonResponse({"state": run.state})


def heartbeat(request: HttpRequest, grant: Grant, run_id: int) -> HttpResponse:
    report = bodies.report_of(request)
    cancel = leases.heartbeat(run_id=run_id, node=grant.node, lease_token=grant.lease_token, report=report)
    return JsonResponse({"cancel": cancel, "lease_seconds": int(LEASE.total_seconds())})


def model_file(request: HttpRequest, grant: Grant, run_id: int, path: str) -> HttpResponseBase:
    run = leases.leased_run(run_id=run_id, node=grant.node, lease_token=grant.lease_token)
    file = next((file for file in snapshot_of_run(run).files if file.path == path), None)
    if file is None:
        raise EntryNotFound
    content = Content(sha256=file.sha256, size=file.size, etag=file.sha256, path=file.path, is_private=True)
    return content_response(request, content, {})


def input_file(request: HttpRequest, grant: Grant, run_id: int, name: str) -> HttpResponseBase:
    run = leases.leased_run(run_id=run_id, node=grant.node, lease_token=grant.lease_token)
    path = inputs.path_of(run, name)
    if path is None:
        raise EntryNotFound
    return send(request, path)


def output(request: HttpRequest, grant: Grant, run_id: int, name: str) -> HttpResponse:
    run = leases.leased_run(run_id=run_id, node=grant.node, lease_token=grant.lease_token)
    size, sha256 = bodies.announced(request)
    kept = outputs.receive_output(run=run, name=name, sha256=sha256, size=size, chunks=pieces(request))
    return JsonResponse({"name": kept.name, "size": kept.blob.size, "sha256": kept.blob.sha256})


def complete(request: HttpRequest, grant: Grant, run_id: int) -> HttpResponse:
    converted = bodies.converted_of(request)
    run = leases.complete_run(run_id=run_id, node=grant.node, lease_token=grant.lease_token, converted=converted)
    inputs.forget(run_id)
    return JsonResponse({"state": run.state})


def fail(request: HttpRequest, grant: Grant, run_id: int) -> HttpResponse:
    body = json_body(request)
    run = leases.fail_run(
        run_id=run_id,
        node=grant.node,
        lease_token=grant.lease_token,
        reason=str(body.get("reason", "")),
        message=str(body.get("message", "")),
        log=bodies.lines_of(body, "log_tail"),
    )
    inputs.forget(run_id)
    return JsonResponse({"state": run.state})
