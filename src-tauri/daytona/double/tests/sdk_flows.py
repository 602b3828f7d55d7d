#!/usr/bin/env python3
"""The official SDK, unmodified, through everything that it can do with the double.

    sdk_flows.py DAYTONA-DOUBLE [WORD]...     only the flows whose name contains one of the words
    sdk_flows.py DAYTONA-DOUBLE --write       writes down anew what the SDK asks (sdk_requests.json)

What the SDK of Daytona accepts and refuses is the best description of their service that can be run, so whatever
passes here is what a client of ours may rely on. Needs the package `daytona` (scripts/daytona-sdk.sh has it).
"""

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

from daytona import (
    AsyncDaytona,
    CreateSandboxFromImageParams,
    CreateSandboxFromSnapshotParams,
    CreateSnapshotParams,
    Daytona,
    DaytonaConfig,
    DaytonaError,
    DaytonaNotFoundError,
    DaytonaTimeoutError,
    FileDownloadRequest,
    FileUpload,
    Image,
    ListSandboxesQuery,
    Resources,
    SessionExecuteRequest,
    VolumeMount,
)
from daytona.common.errors import (
    DaytonaAuthenticationError,
    DaytonaConflictError,
    DaytonaFileNotFoundError,
    DaytonaProcessExecutionTimeoutError,
    DaytonaRateLimitError,
)
from daytona.common.pty import PtySize

FLOWS = []

# What the SDK asks for in the calls of `asked`, so that other clients can be compared with it.
REQUESTS = Path(__file__).with_name("sdk_requests.json")


def flow(function):
    FLOWS.append(function)
    return function


def refuses(kind, action, text=""):
    """What `action` raises, which must be of this kind and say this."""
    try:
        action()
    except kind as error:
        assert text in str(error), f"{text!r} is not in {error!s}"
        return error
    raise AssertionError(f"nothing was refused, {kind.__name__} was expected")


class Double:
    """The double as a process, and its control endpoints."""

    def __init__(self, program):
        arguments = ["--delay-ms", "100", "--log-close-ms", "300", "--grace-ms", "1000"]
        self.process = subprocess.Popen(
            [program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self.process.stdout.readline().strip()
        assert self.url.endswith("/api"), self.url

    def client(self, key="dtn_test"):
        return Daytona(self.config(key))

    def config(self, key="dtn_test"):
        return DaytonaConfig(api_key=key, api_url=self.url, target="us")

    def control(self, method, path, body=None):
        url = self.url.removesuffix("/api") + "/__double/" + path
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request) as response:
            text = response.read()
        return json.loads(text) if text else None

    def fault(self, method, path, effect, times=1):
        self.control("POST", "faults", {"method": method, "path": path, "times": times, "effect": effect})

    def end(self):
        self.process.stdin.close()
        self.process.wait(10)


# ── the control plane ──


@flow
def a_sandbox_is_made_found_listed_and_deleted(double, client, _):
    params = CreateSandboxFromSnapshotParams(
        name="flow-1", env_vars={"A": "1"}, labels={"flow": "1"}, auto_stop_interval=5
    )
    sandbox = client.create(params)
    assert sandbox.state == "started", sandbox.state
    assert sandbox.env == {"A": "1"} and sandbox.auto_stop_interval == 5
    assert sandbox.labels == {"flow": "1", "code-toolbox-language": "python"}, sandbox.labels
    assert client.get("flow-1").id == client.get(sandbox.id).id == sandbox.id
    found = list(client.list(ListSandboxesQuery(labels={"flow": "1"}, limit=1)))
    assert [each.id for each in found] == [sandbox.id]
    refuses(DaytonaConflictError, lambda: client.create(params), "already exists")
    sandbox.delete(wait=True)
    refuses(DaytonaNotFoundError, lambda: client.get(sandbox.id))
    assert list(client.list(ListSandboxesQuery(labels={"flow": "1"}))) == []


@flow
def lists_go_on_over_pages(double, client, _):
    made = [client.create(CreateSandboxFromSnapshotParams(labels={"page": "1"})) for _ in range(3)]
    double.control("DELETE", "requests")
    found = list(client.list(ListSandboxesQuery(labels={"page": "1"}, limit=1)))
    assert {each.id for each in found} == {each.id for each in made}
    pages = [each for each in double.control("GET", "requests") if each["path"] == "/api/sandbox"]
    assert len(pages) == 3, len(pages)
    for each in made:
        each.delete()


@flow
def a_sandbox_stops_and_starts_with_its_files(double, client, sandbox):
    sandbox.fs.upload_file(b"kept", "/workspace/kept.txt")
    sandbox.process.exec("sleep 300 >/dev/null 2>&1 &")
    sandbox.stop()
    assert sandbox.state == "stopped"
    refuses(DaytonaError, lambda: sandbox.process.exec("true"), "Is the Sandbox started?")
    sandbox.start()
    assert sandbox.fs.download_file("/workspace/kept.txt") == b"kept"
    assert "sleep" not in sandbox.process.exec("ps ax").result


@flow
def a_sandbox_is_archived_and_comes_back(double, client, sandbox):
    sandbox.fs.upload_file(b"kept", "kept.txt")
    refuses(DaytonaError, sandbox.archive, "not stopped")
    sandbox.stop()
    sandbox.archive()
    while client.get(sandbox.id).state != "archived":
        time.sleep(0.05)
    sandbox.start()
    assert sandbox.fs.download_file("kept.txt") == b"kept"


@flow
def settings_of_a_sandbox_change(double, client, sandbox):
    assert sandbox.set_labels({"a": "b"}) == {"a": "b"}
    sandbox.set_autostop_interval(7)
    sandbox.set_auto_archive_interval(8)
    sandbox.set_auto_delete_interval(9)
    sandbox.refresh_activity()
    sandbox.refresh_data()
    intervals = (sandbox.auto_stop_interval, sandbox.auto_archive_interval, sandbox.auto_delete_interval)
    assert intervals == (7, 8, 9), intervals
    sandbox.resize(Resources(cpu=2, memory=2))
    assert (sandbox.cpu, sandbox.memory) == (2, 2)
    access = sandbox.create_ssh_access()
    assert access.token in access.ssh_command
    assert sandbox.get_preview_link(3000).token
    assert sandbox.get_user_home_dir() == sandbox.get_work_dir() == "/home/daytona"


@flow
def a_sandbox_that_breaks_recovers(double, client, sandbox):
    double.control("POST", f"sandboxes/{sandbox.id}", {"state": "error", "reason": "disk full"})
    sandbox.refresh_data()
    assert (sandbox.state, sandbox.error_reason) == ("error", "disk full")
    sandbox.recover()
    assert sandbox.process.exec("echo back").result == "back\n"


@flow
def an_ephemeral_sandbox_goes_when_it_stops(double, client, _):
    sandbox = client.create(CreateSandboxFromSnapshotParams(ephemeral=True))
    sandbox.stop()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            client.get(sandbox.id)
        except DaytonaNotFoundError:
            return
        time.sleep(0.05)
    raise AssertionError("the sandbox is still there")


@flow
def a_sandbox_from_an_image_shows_the_log_of_its_build(double, client, _):
    logs = []
    params = CreateSandboxFromImageParams(
        image=Image.base("debian:12.9").env({"FROM_IMAGE": "yes"}), resources=Resources(cpu=1, memory=1, disk=3)
    )
    sandbox = client.create(params, on_snapshot_create_logs=logs.append)
    assert "FROM debian:12.9" in "".join(logs), logs
    assert sandbox.process.exec("echo $FROM_IMAGE").result == "yes\n"
    sandbox.delete()
    broken = Image.base("debian:12.8").run_commands("exit 3")
    refuses(DaytonaError, lambda: client.create(CreateSandboxFromImageParams(image=broken)), "non-zero code: 3")


@flow
def snapshots_are_made_from_images(double, client, _):
    size = Resources(cpu=2, memory=4, disk=5)
    params = CreateSnapshotParams(name="from-image", image="python:3.12-slim", resources=size)
    snapshot = client.snapshot.create(params)
    assert (snapshot.state, snapshot.cpu, snapshot.mem, snapshot.disk) == ("active", 2, 4, 5)
    refuses(DaytonaConflictError, lambda: client.snapshot.create(params), "already exists")
    latest = CreateSnapshotParams(name="latest", image="python:latest")
    refuses(DaytonaError, lambda: client.snapshot.create(latest), "not allowed")
    missing = CreateSnapshotParams(name="gone", image="example.com/missing:1")
    refuses(DaytonaError, lambda: client.snapshot.create(missing), "pull access denied")
    page = client.snapshot.list(page=1, limit=2)
    assert page.total >= 5 and len(page.items) == 2 and page.total_pages >= 3
    sandbox = client.create(CreateSandboxFromSnapshotParams(snapshot="from-image"))
    assert (sandbox.cpu, sandbox.memory) == (2, 4)
    sandbox.delete()
    client.snapshot.delete("from-image")
    client.snapshot.delete(client.snapshot.get("gone"))
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            client.snapshot.get("from-image")
        except DaytonaNotFoundError:
            return
        time.sleep(0.05)
    raise AssertionError("the snapshot is still there")


@flow
def snapshots_are_built_with_logs(double, client, _):
    logs = []
    image = Image.base("debian:12.7").run_commands("echo hällo").workdir("/workspace")
    params = CreateSnapshotParams(name="built", image=image)
    snapshot = client.snapshot.create(params, on_logs=logs.append)
    assert snapshot.state == "active"
    text = "".join(logs)
    assert "RUN echo hällo" in text and "Successfully tagged" in text, text
    broken = CreateSnapshotParams(name="broken", image=Image.base("debian:12.6").run_commands("false"))
    refuses(DaytonaError, lambda: client.snapshot.create(broken, on_logs=logs.append), "non-zero code: 1")


@flow
def a_snapshot_of_a_sandbox_has_its_files(double, client, sandbox):
    sandbox.fs.upload_file(b"captured", "/workspace/data.txt")
    sandbox.create_snapshot("captured")
    sandbox.refresh_data()
    assert sandbox.state == "started", sandbox.state
    snapshot = client.snapshot.get("captured")
    assert snapshot.state == "active", snapshot.state
    copy = client.create(CreateSandboxFromSnapshotParams(snapshot="captured"))
    assert copy.fs.download_file("/workspace/data.txt") == b"captured"
    copy.delete()


@flow
def snapshots_are_deactivated_and_activated(double, client, _):
    params = CreateSnapshotParams(name="sleeper", image="debian:12")
    snapshot = client.snapshot.create(params)
    double_path = f"{double.url}/snapshots/{snapshot.id}/deactivate"
    request = urllib.request.Request(double_path, b"", {"Authorization": "Bearer dtn_test"}, method="POST")
    assert urllib.request.urlopen(request).status == 204
    wanted = CreateSandboxFromSnapshotParams(snapshot="sleeper")
    refuses(DaytonaError, lambda: client.create(wanted), "is inactive")
    refuses(Exception, lambda: client.snapshot.activate(snapshot), "still in progress")
    time.sleep(2)
    client.snapshot.activate(snapshot)
    time.sleep(0.5)
    client.create(wanted).delete()


@flow
def a_volume_outlives_its_sandboxes(double, client, _):
    volume = client.volume.create("shared")
    while client.volume.get("shared").state != "ready":
        time.sleep(0.05)
    for expected in ("", "one\n"):
        mount = VolumeMount(volume_id=volume.id, mount_path="/data")
        sandbox = client.create(CreateSandboxFromSnapshotParams(volumes=[mount]))
        assert sandbox.process.exec("cat /data/one 2>/dev/null; echo one >/data/one").result == expected
        refuses(DaytonaConflictError, lambda: client.volume.delete(volume))
        sandbox.delete(wait=True)
    client.volume.delete(volume)


@flow
def keys_quotas_and_limits_are_refused(double, client, _):
    refuses(DaytonaAuthenticationError, lambda: double.client("dtn_wrong").get("x"))
    params = CreateSandboxFromImageParams(image="debian:12", resources=Resources(cpu=99))
    refuses(DaytonaError, lambda: client.create(params), "exceeds maximum allowed per sandbox")
    limit = {"kind": "refuse", "status": 429, "message": "ThrottlerException: Too Many Requests"}
    double.fault("POST", "/api/sandbox", {**limit, "headers": {"Retry-After-sandbox-create": "1"}})
    refuses(DaytonaRateLimitError, lambda: client.create(), "Too Many Requests")
    double.fault("GET", "/api/sandbox/nobody", {**limit, "headers": {"Retry-After": "1"}})
    began = time.monotonic()
    refuses(DaytonaNotFoundError, lambda: client.get("nobody"))
    assert time.monotonic() - began >= 1, "the SDK waits as it is told"


@flow
def the_rest_of_the_api_has_the_form_of_its_models(double, client, sandbox):
    import daytona_api_client as api
    import daytona_analytics_api_client as analytics

    def remote(package, host):
        configuration = package.Configuration(host=host)
        made = package.ApiClient(configuration)
        made.default_headers["Authorization"] = "Bearer dtn_test"
        return made

    control = remote(api, double.url)
    config = api.ConfigApi(control).config_controller_get_config()
    assert config.analytics_api_url and config.default_snapshot and config.rate_limit.sandbox_create.limit
    key = api.ApiKeysApi(control).get_current_api_key()
    assert key.value.startswith("dtn_***") and "write:sandboxes" in key.permissions
    assert [region.id for region in api.RegionsApi(control).list_shared_regions()] == ["us", "eu"]
    access = api.ObjectStorageApi(control).get_push_access()
    organization = sandbox.organization_id
    assert access.organization_id == key.organization_id == organization
    registries = api.DockerRegistryApi(control)
    wanted = api.CreateDockerRegistry(name="r", url="https://registry.example.com", username="u", password="p")
    registry = registries.create_registry(wanted)
    changed = api.UpdateDockerRegistry(name="r2", url="https://registry.example.com", username="u")
    assert registries.update_registry(registry.id, changed).name == "r2"
    assert [each.id for each in registries.list_registries()] == [registry.id]
    assert registries.get_registry(registry.id).registry_type == "organization"
    registries.delete_registry(registry.id)
    assert "/" not in registries.get_transient_push_access().registry_url
    control_api = api.SandboxApi(control)
    assert control_api.get_toolbox_proxy_url(sandbox.id).url == sandbox.toolbox_proxy_url
    control_api.update_last_activity(sandbox.id)
    control_api.create_backup(sandbox.id)
    assert control_api.set_ttl(sandbox.id, 60).auto_destroy_at
    assert control_api.update_public_status(sandbox.id, True).public
    block = api.UpdateSandboxNetworkSettings(network_block_all=True)
    assert control_api.update_network_settings(sandbox.id, block).network_block_all
    listed = control_api.list_sandboxes(states=["started"], region_ids=["us"], is_public=True, min_cpu=1, max_cpu=1)
    assert [each.id for each in listed.items] == [sandbox.id]
    time.sleep(1)
    usage = analytics.UsageApi(remote(analytics, config.analytics_api_url))
    window = {"var_from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    total = usage.organization_organization_id_usage_aggregated_get(organization, **window)
    assert total.sandbox_count >= 1 and total.total_cpu_seconds >= 1 and total.total_price > 0, total
    each = usage.organization_organization_id_usage_sandbox_get(organization, **window)
    assert sandbox.id in [one.sandbox_id for one in each]
    assert usage.organization_organization_id_usage_chart_get(organization, **window)[0].cpu >= 1
    periods = usage.organization_organization_id_sandbox_sandbox_id_usage_get(organization, sandbox.id, **window)
    assert periods[0].cpu == 1


@flow
def an_image_says_where_commands_start(double, client, _):
    image = Image.base("debian:12.5").workdir("/srv/app")
    sandbox = client.create(CreateSandboxFromImageParams(image=image, os_user="root"))
    assert (sandbox.get_work_dir(), sandbox.get_user_home_dir()) == ("/srv/app", "/root")
    sandbox.fs.upload_file(b"x", "file.txt")
    assert sandbox.process.exec("pwd; echo ~; ls").result == "/srv/app\n/root\nfile.txt\n"
    sandbox.delete()


@flow
def secrets_are_placeholders_in_a_sandbox(double, client, _):
    from daytona import CreateSecretParams

    secret = client.secret.create(CreateSecretParams(name="token", value="s3cr3t", hosts=["example.com"]))
    sandbox = client.create(CreateSandboxFromSnapshotParams(secrets={"TOKEN": "token"}))
    assert sandbox.process.exec("echo $TOKEN").result == secret.placeholder + "\n"
    sandbox.delete()
    missing = CreateSandboxFromSnapshotParams(secrets={"TOKEN": "none"})
    refuses(DaytonaNotFoundError, lambda: client.create(missing), "not found")
    client.secret.delete(secret.id)


# ── the toolbox ──


@flow
def a_command_has_its_output_and_its_code(double, client, sandbox):
    answer = sandbox.process.exec("echo hi $X; echo problem >&2; exit 3", env={"X": "y"}, timeout=5)
    assert (answer.exit_code, answer.result) == (3, "hi y\nproblem\n"), answer
    assert sandbox.process.exec("pwd", cwd="/workspace").result == "/workspace\n"
    refuses(DaytonaProcessExecutionTimeoutError, lambda: sandbox.process.exec("sleep 60", timeout=1))
    assert "sleep" not in sandbox.process.exec("ps ax").result


@flow
def code_runs_in_one_go(double, client, sandbox):
    answer = sandbox.process.code_run("import sys; print('hello', 6 * 7); sys.exit(4)")
    assert (answer.exit_code, answer.result) == (4, "hello 42\n"), answer


@flow
def a_session_keeps_its_shell(double, client, sandbox):
    process = sandbox.process
    process.create_session("keeper")
    refuses(DaytonaConflictError, lambda: process.create_session("keeper"))
    run = lambda command: process.execute_session_command("keeper", SessionExecuteRequest(command=command))
    run("cd /tmp && export WORD=kept")
    answer = run("pwd; echo $WORD; echo problem >&2; (exit 5)")
    assert (answer.stdout, answer.stderr, answer.exit_code) == ("/tmp\nkept\n", "problem\n", 5), answer
    logs = process.get_session_command_logs("keeper", answer.cmd_id)
    assert (logs.stdout, logs.stderr) == ("/tmp\nkept\n", "problem\n")
    assert [each.session_id for each in process.list_sessions()] == ["keeper"]
    assert len(process.get_session("keeper").commands) == 2
    process.delete_session("keeper")
    refuses(DaytonaNotFoundError, lambda: process.get_session("keeper"))


@flow
def a_followed_log_has_both_streams_and_takes_input(double, client, sandbox):
    process = sandbox.process
    process.create_session("followed")
    text = 'read line; echo "got $line"; for n in 1 2 3; do echo "ä$n"; echo "ö$n" >&2; sleep 0.1; done; (exit 6)'
    request = SessionExecuteRequest(command=text, run_async=True, suppress_input_echo=True)
    command = process.execute_session_command("followed", request).cmd_id
    assert process.get_session_command("followed", command).exit_code is None
    process.send_session_command_input("followed", command, "word")
    out, err = [], []
    asyncio.run(process.get_session_command_logs_async("followed", command, out.append, err.append))
    assert "".join(out) == "got word\nä1\nä2\nä3\n", out
    assert "".join(err) == "ö1\nö2\nö3\n", err
    assert process.get_session_command("followed", command).exit_code == 6
    process.delete_session("followed")


@flow
def deleting_a_session_ends_what_runs_in_it(double, client, sandbox):
    sandbox.process.create_session("doomed")
    request = SessionExecuteRequest(command="trap '' TERM; sleep 301 & sleep 302", run_async=True)
    sandbox.process.execute_session_command("doomed", request)
    time.sleep(0.3)
    sandbox.process.delete_session("doomed")
    assert "sleep" not in sandbox.process.exec("ps ax").result


@flow
def the_interpreter_keeps_variables(double, client, sandbox):
    interpreter = sandbox.code_interpreter
    seen = []
    code = "import os\nx = 20\nprint(x + 1, os.environ['Q'])"
    see = lambda message: seen.append(message.output)
    result = interpreter.run_code(code, on_stdout=see, envs={"Q": "1"}, timeout=10)
    assert (result.stdout, result.error) == ("21 1\n", None), result
    assert "".join(seen) == "21 1\n"
    result = interpreter.run_code("import sys; print(x); print('no', file=sys.stderr); 1 / 0")
    assert (result.stdout, result.stderr, result.error.name) == ("20\n", "no\n", "ZeroDivisionError"), result
    assert "<stdin>" in result.error.traceback
    context = interpreter.create_context(cwd="/workspace")
    result = interpreter.run_code("import os; print(os.getcwd()); x", context=context)
    assert (result.stdout, result.error.name) == ("/workspace\n", "NameError"), result
    assert [each.id for each in interpreter.list_contexts()] == [context.id]
    interpreter.delete_context(context)
    assert interpreter.list_contexts() == []
    refuses(DaytonaTimeoutError, lambda: interpreter.run_code("import time; time.sleep(60)", timeout=1))
    assert interpreter.run_code("print(x)").stdout == "20\n", "an interrupted context goes on"


@flow
def a_terminal_is_a_terminal(double, client, sandbox):
    size = PtySize(cols=100, rows=30)
    handle = sandbox.process.create_pty_session("term", cwd="/workspace", envs={"E": "1"}, pty_size=size)
    handle.wait_for_connection()
    handle.send_input("echo $E $(pwd); stty size\n")
    seen = b""
    for piece in handle:
        seen += piece
        if b"30 100" in seen:
            break
    assert b"1 /workspace" in seen, seen
    info = handle.resize(PtySize(cols=120, rows=40))
    assert (info.cols, info.rows) == (120, 40)
    assert [each.id for each in sandbox.process.list_pty_sessions()] == ["term"]
    handle.send_input("stty size; exit 7\n")
    more = []
    result = handle.wait(on_data=more.append, timeout=10)
    assert result.exit_code == 7, result
    assert b"40 120" in b"".join(more), more
    handle.disconnect()


@flow
def files_go_in_and_out(double, client, sandbox):
    fs = sandbox.fs
    data = bytes(range(256)) * 4096
    fs.upload_file(data, "/home/daytona/deep/down/data.bin")
    assert fs.download_file("/home/daytona/deep/down/data.bin") == data
    named = FileUpload(source=b"a", destination="/workspace/a ä.txt")
    fs.upload_files([named, FileUpload(source=b"", destination="b.txt")])
    wanted = ["/workspace/a ä.txt", "b.txt", "/nowhere"]
    found = fs.download_files([FileDownloadRequest(source=path) for path in wanted])
    assert [each.result for each in found] == [b"a", b"", None], found
    assert found[2].error_details.code == "FILE_NOT_FOUND"
    refuses(DaytonaFileNotFoundError, lambda: fs.download_file("/nowhere"))
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder, "local")
        fs.download_file("/home/daytona/deep/down/data.bin", str(local))
        assert local.read_bytes() == data
        fs.upload_file(str(local), "/workspace/again.bin")
    assert fs.get_file_info("/workspace/again.bin").size == len(data)
    assert b"".join(fs.download_file_stream("/workspace/again.bin")) == data


@flow
def a_file_has_a_url_of_its_own(double, client, sandbox):
    request = urllib.request.Request(sandbox.upload_url("/workspace/signed ä"), b"signed", method="POST")
    request.add_header("Content-Type", "application/octet-stream")
    urllib.request.urlopen(request).read()
    url = sandbox.download_url("/workspace/signed ä")
    assert urllib.request.urlopen(url).read() == b"signed"
    refuses(urllib.error.HTTPError, lambda: urllib.request.urlopen(url.replace("signed+", "other")), "401")
    sandbox.rotate_signing_key()
    refuses(urllib.error.HTTPError, lambda: urllib.request.urlopen(url), "401")


@flow
def a_program_that_was_uploaded_runs_where_it_was_put(double, client, sandbox):
    path = "/home/daytona/.stigmer/runner"
    sandbox.fs.upload_file(b"#!/bin/sh\necho \"$0 in $PWD\"\n", path)
    sandbox.fs.create_folder("/home/daytona/work", "755")
    sandbox.fs.set_file_permissions(path, mode="755")
    answer = sandbox.process.exec(path, cwd="/home/daytona/work")
    assert answer.result == f"{path} in /home/daytona/work\n", answer


@flow
def files_are_managed(double, client, sandbox):
    fs = sandbox.fs
    fs.create_folder("/workspace/tree/leaf", "750")
    assert fs.get_file_info("/workspace/tree/leaf").permissions == "0750"
    fs.upload_file(b"one\ntwo needle\n", "/workspace/tree/leaf/text.txt")
    assert [each.name for each in fs.list_files("/workspace/tree")] == ["leaf"]
    assert fs.search_files("/workspace", "*.txt").files == ["/workspace/tree/leaf/text.txt"]
    match = fs.find_files("/workspace", "needle")[0]
    assert (match.file, match.line, match.content) == ("/workspace/tree/leaf/text.txt", 2, "two needle")
    results = fs.replace_in_files(["/workspace/tree/leaf/text.txt", "/nowhere"], "needle", "thread")
    assert [each.success for each in results] == [True, False]
    fs.move_files("/workspace/tree/leaf/text.txt", "/workspace/moved.txt")
    assert fs.download_file("/workspace/moved.txt") == b"one\ntwo thread\n"
    refuses(DaytonaError, lambda: fs.delete_file("/workspace/tree"))
    fs.delete_file("/workspace/tree", recursive=True)
    fs.delete_file("/workspace/moved.txt")
    assert fs.list_files("/workspace") == []


@flow
def a_repository_is_cloned_and_changed(double, client, sandbox):
    git = sandbox.git
    git.init("/workspace/origin")
    sandbox.fs.upload_file(b"text", "/workspace/origin/file.txt")
    assert git.status("/workspace/origin").file_status[0].name == "file.txt"
    git.add("/workspace/origin", ["."])
    commit = git.commit("/workspace/origin", "first", "A Person", "a@example.com")
    git.clone("file:///workspace/origin", "/workspace/copy")
    status = git.status("/workspace/copy")
    assert status.current_branch == "main" and status.file_status == []
    assert git.branches("/workspace/copy").branches == ["main"]
    log = sandbox.process.exec("git log --format=%H", cwd="/workspace/copy").result
    assert log.strip() == commit.sha
    refuses(DaytonaNotFoundError, lambda: git.clone("file:///workspace/nothing", "/workspace/none"))


# ── what the SDK asks ──


def asked(double, client):
    """The requests of many calls: the call, then what was sent, with ids that are the same every time."""
    params = CreateSandboxFromSnapshotParams(name="asked", env_vars={"A": "1"}, labels={"k": "v"}, auto_stop_interval=5)
    size = Resources(cpu=1, memory=1, disk=3)
    image = CreateSandboxFromImageParams(name="built", image="debian:12.4", resources=size)
    names, seen = {}, {}

    def call(name, action):
        double.control("DELETE", "requests")
        result = action()
        sent = [plain(each, names) for each in double.control("GET", "requests") if "/socket.io" not in each["path"]]
        # How often somebody looks whether it is done is a matter of time.
        seen[name] = [each for at, each in enumerate(sent) if each not in sent[:at]]
        return result

    sandbox = call("create", lambda: client.create(params))
    names[sandbox.id] = "SANDBOX"
    process, fs = sandbox.process, sandbox.fs
    call("create from image", lambda: client.create(image))
    call("get", lambda: client.get("asked"))
    call("list", lambda: list(client.list(ListSandboxesQuery(labels={"k": "v"}, limit=1))))
    call("labels", lambda: sandbox.set_labels({"k": "w"}))
    call("auto-stop", lambda: sandbox.set_autostop_interval(6))
    call("activity", sandbox.refresh_activity)
    call("exec", lambda: process.exec("echo hi", cwd="/workspace", env={"X": "y"}, timeout=5))
    call("code", lambda: process.code_run("print(1)"))
    call("session", lambda: process.create_session("s1"))
    request = SessionExecuteRequest(command="read x", run_async=True, suppress_input_echo=True)
    command = call("session command", lambda: process.execute_session_command("s1", request)).cmd_id
    names[command] = "COMMAND"
    call("input", lambda: process.send_session_command_input("s1", command, "x"))
    follow = lambda: asyncio.run(process.get_session_command_logs_async("s1", command, print, print))
    call("follow", follow)
    call("command", lambda: process.get_session_command("s1", command))
    call("logs", lambda: process.get_session_command_logs("s1", command))
    call("delete session", lambda: process.delete_session("s1"))
    call("interpreter", lambda: sandbox.code_interpreter.run_code("print(1)", envs={"Q": "1"}, timeout=10))
    size = PtySize(cols=100, rows=30)
    call("pty", lambda: process.create_pty_session("p1", envs={"E": "1"}, pty_size=size).wait_for_connection())
    call("upload", lambda: fs.upload_file(b"x", "/workspace/x"))
    call("download", lambda: fs.download_file("/workspace/x"))
    call("file info", lambda: fs.get_file_info("/workspace/x"))
    call("files", lambda: fs.list_files("/workspace"))
    call("delete file", lambda: fs.delete_file("/workspace/x"))
    call("folder", lambda: fs.create_folder("/workspace/d", "755"))
    call("permissions", lambda: fs.set_file_permissions("/workspace/d", mode="700"))
    clone = lambda: sandbox.git.clone("file:///nothing", "/workspace/r", branch="main")
    call("clone", lambda: refuses(DaytonaError, clone))
    call("stop", sandbox.stop)
    call("start", sandbox.start)
    call("force stop", lambda: sandbox.stop(force=True))
    call("archive", sandbox.archive)
    wanted = CreateSnapshotParams(name="asked", image="debian:12.3", resources=Resources(cpu=1, memory=2, disk=3))
    snapshot = call("snapshot", lambda: client.snapshot.create(wanted))
    names[snapshot.id] = "SNAPSHOT"
    call("snapshots", lambda: client.snapshot.list(page=1, limit=10))
    call("delete snapshot", lambda: client.snapshot.delete(snapshot))
    while client.get("asked").state != "archived":
        time.sleep(0.05)
    call("delete", sandbox.delete)
    client.get("built").delete()
    return seen


# Headers that mean something to Daytona.
HEADERS = (
    "accept",
    "content-type",
    "sec-websocket-protocol",
    "user-agent",
    "x-daytona-source",
    "x-daytona-sdk-version",
)


def plain(request, names):
    """A request without what differs from one time to the next."""

    path = request["path"]
    for value, name in names.items():
        path = path.replace(value, name)
    path = re.sub("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", path)
    headers = {name: value for name, value in request["headers"].items() if name in HEADERS}
    if headers.get("content-type", "").startswith("multipart/"):
        headers["content-type"] = "multipart/form-data; boundary=…"
    shown = {"method": request["method"], "path": path, "query": request["query"], "headers": headers}
    return {**shown, "json": request["json"]}


@flow
def the_sdk_asks_what_is_written_down(double, client, _):
    found = asked(double, client)
    written = json.loads(REQUESTS.read_text())
    for name in written.keys() | found.keys():
        assert written.get(name) == found.get(name), f"{name}: {written.get(name)} became {found.get(name)}"


# ── the asynchronous client ──


@flow
def the_asynchronous_client_does_the_same(double, client, _):
    async def everything():
        async with AsyncDaytona(double.config()) as remote:
            sandbox = await remote.create(CreateSandboxFromSnapshotParams(name="async"))
            process = sandbox.process
            assert (await process.exec("echo hi")).result == "hi\n"
            await sandbox.fs.upload_file(b"x\0y", "d/x.bin")
            await sandbox.fs.upload_files([FileUpload(source=b"z", destination="/workspace/z.txt")])
            assert await sandbox.fs.download_file("d/x.bin") == b"x\0y"
            assert await sandbox.fs.download_file("/workspace/z.txt") == b"z"
            await process.create_session("s")
            request = SessionExecuteRequest(command="echo one; sleep 0.2; echo two >&2", run_async=True)
            command = (await process.execute_session_command("s", request)).cmd_id
            out, err = [], []
            await process.get_session_command_logs_async("s", command, out.append, err.append)
            assert ("".join(out), "".join(err)) == ("one\n", "two\n"), (out, err)
            assert (await sandbox.code_interpreter.run_code("print(1)")).stdout == "1\n"
            seen = []
            handle = await process.create_pty_session("p", on_data=seen.append)
            await handle.wait_for_connection()
            await handle.send_input("echo in-a-terminal; exit\n")
            assert (await handle.wait()).exit_code == 0
            assert b"in-a-terminal" in b"".join(seen)
            found = [each.name async for each in remote.list()]
            assert "async" in found, found
            await sandbox.stop()
            await sandbox.start()
            assert await sandbox.fs.download_file("/workspace/z.txt") == b"z"
            await sandbox.delete(wait=True)

    asyncio.run(everything())


def wants_sandbox(function):
    return function.__code__.co_varnames[2] == "sandbox"


def run(function, double, client):
    sandbox = client.create() if wants_sandbox(function) else None
    try:
        function(double, client, sandbox)
    finally:
        double.control("DELETE", "faults")
        if sandbox:
            sandbox.delete()


def main():
    program, *words = sys.argv[1:]
    if words == ["--write"]:
        double = Double(program)
        REQUESTS.write_text(json.dumps(asked(double, double.client()), indent=2, ensure_ascii=False) + "\n")
        double.end()
        return 0
    flows = [each for each in FLOWS if not words or any(word in each.__name__ for word in words)]
    double = Double(program)
    client = double.client()
    failed = 0
    for function in flows:
        began = time.monotonic()
        try:
            run(function, double, client)
            word = "ok"
        except Exception:
            failed += 1
            word = "FAILED"
            traceback.print_exc()
        print(f"{word:6} {time.monotonic() - began:5.1f} s  {function.__name__}", flush=True)
    double.end()
    print(f"{len(flows) - failed} of {len(flows)} flows of the SDK passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
