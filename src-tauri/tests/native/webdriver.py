"""The little of WebDriver that the tests speak, to WebKit's own driver."""

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request


class Browser:
    """The pages of the app, started and steered by the driver."""

    def __init__(self, program, environment, wait):
        self.port = free_port()
        # The app lets itself be steered only when told so, and the driver starts the app.
        environment = {**environment, "TAURI_WEBVIEW_AUTOMATION": "true"}
        arguments = ["WebKitWebDriver", f"--port={self.port}"]
        self.driver = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
        wait("the driver answers", self.answers)
        options = {"webkitgtk:browserOptions": {"binary": program, "args": []}}
        answer = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": options}})
        self.session = f"/session/{answer['sessionId']}"

    def answers(self):
        try:
            return self.ask("GET", "/status")["ready"]
        except OSError:
            return False

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def run(self, script, *arguments):
        """The value that the script returns; a promise is waited for, and one that fails tells why."""
        script = f"""
            const done = arguments[arguments.length - 1];
            (async () => {{ {script} }})().then(value => done({{ value }}), error => done({{ error: said(error) }}));
            function said(error) {{ return typeof error === "string" ? error : error?.message ?? JSON.stringify(error); }}
        """
        answer = self.ask("POST", f"{self.session}/execute/async", {"script": script, "args": list(arguments)})
        if "error" in answer:
            raise PageError(answer["error"])
        return answer.get("value")

    def close(self):
        try:
            self.ask("DELETE", self.session)
        except (AssertionError, OSError):
            # It is gone with the app.
            pass
        self.driver.terminate()
        self.driver.wait()


class PageError(Exception):
    """What a script in the page failed with."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has_driver():
    return any(os.access(f"{folder}/WebKitWebDriver", os.X_OK) for folder in os.get_exec_path())
