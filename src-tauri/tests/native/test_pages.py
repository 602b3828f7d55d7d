"""The pages in the real window: requests through the app's own scheme, notices, and what they may not do."""

import socket
import unittest

from desk import APP, Desk, until
from webdriver import Browser, PageError, has_driver

ROOT = "stigmer://localhost/api/v1"


@unittest.skipUnless(has_driver(), "SKIPPED: the pages in the real window: no WebKitWebDriver here")
class Pages(unittest.TestCase):
    def setUp(self):
        self.desk = Desk()
        self.addCleanup(self.desk.close)
        self.page = Browser(APP, self.desk.environment, until)
        self.addCleanup(self.page.close)
        self.workspace = str(self.desk.home / "stigmer-workspace")
        until("the workspace is made", lambda: self.json("/app")["workspace"] == self.workspace)

    def json(self, path, method="GET", body=None):
        script = """
            const [url, method, body] = arguments;
            const options = { method, headers: body === null ? {} : { "content-type": "application/json" } };
            if (body !== null) options.body = JSON.stringify(body);
            const response = await fetch(url, options);
            const text = await response.text();
            return { status: response.status, body: text === "" ? null : JSON.parse(text) };
        """
        answer = self.page.run(script, ROOT + path, method, body)
        self.assertLess(answer["status"], 400, answer)
        return answer["body"]

    def test_the_pages_draw_themselves_and_hear_the_engine(self):
        until("the pages are drawn", lambda: self.page.run("return document.body.innerText.length") > 50)
        run = self.json("/runs", "POST", {"work": {"kind": "line", "line": "true"}, "workspace": self.workspace})
        until("it ended", lambda: self.json(f"/runs/{run['run_id']}")["state"] == "succeeded")

    def test_the_first_screen_runs_the_sample_and_shows_what_it_prints(self):
        self.press("Run the sample")
        until("the sample ended", lambda: self.state() == "succeeded")
        lines = self.page.run("return document.querySelectorAll('[data-testid=log-row]').length")
        self.assertGreater(lines, 3)

    def test_a_command_is_written_run_watched_and_stopped(self):
        self.press("Go to your folder")
        until("there is a field", lambda: self.page.run("return document.querySelector('#command') !== null"))
        self.page.run("""
            const field = document.querySelector("#command");
            field.value = "echo seen in the window; sleep 600";
            field.dispatchEvent(new Event("input", { bubbles: true }));
            await new Promise(resolve => setTimeout(resolve));
            field.form.requestSubmit();
        """)
        until("its output is shown", lambda: "seen in the window" in self.page.run("return document.body.innerText"))
        self.page.run("document.querySelector('[data-testid=log-stop]').click()")
        until("it is stopped", lambda: self.state() == "cancelled")

    def test_everything_can_be_shown_larger(self):
        width = self.page.run("return innerWidth")
        self.page.run("await window.__TAURI_INTERNALS__.invoke('zoom', { factor: 2 })")
        until("it is twice as large", lambda: self.page.run("return innerWidth") <= width / 2 + 1)

    def press(self, name):
        script = """
            const button = [...document.querySelectorAll("button")].find(it => it.innerText.trim() === arguments[0]);
            button?.click();
            return button !== undefined;
        """
        until(f"{name} is pressed", lambda: self.page.run(script, name))

    def state(self):
        return self.page.run("return document.querySelector('[data-testid=log-state]')?.dataset.state")

    def test_bytes_of_any_length_arrive_as_they_were_sent(self):
        script = """
            const [root, workspace, length] = arguments;
            const bytes = new Uint8Array(length);
            for (let at = 0; at < length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
            const url = `${root}/files/content?path=bytes&workspace=${encodeURIComponent(workspace)}`;
            const put = await fetch(`${url}&version=*`, { method: "PUT", body: bytes });
            const got = await fetch(url);
            const back = new Uint8Array(await got.arrayBuffer());
            return {
                put: put.status, got: got.status, length: back.length,
                same: back.length === length && back.every((byte, at) => byte === bytes[at]),
                version: got.headers.get("x-stigmer-version"), kind: got.headers.get("x-stigmer-kind"),
            };
        """
        # Around the lengths in which such bodies are cut, and the largest file of the editor.
        for length in (0, 1, 1023, 1024, 1025, 2048, 65536, 1 << 20, 5 << 20):
            answer = self.page.run(script, ROOT, self.workspace, length)
            self.assertTrue(answer["same"], (length, answer))
            self.assertLess(answer["put"], 300)
            self.assertTrue(answer["version"], answer)

    def test_every_method_reaches_the_engine(self):
        self.json("/files/create", "POST", {"workspace": self.workspace, "path": "new/file", "kind": "file"})
        folder = self.desk.home / "stigmer-workspace" / "new"
        self.assertTrue((folder / "file").exists())
        undo = self.json("/files/delete", "POST", {"workspace": self.workspace, "path": "new"})["undo"]
        self.assertFalse(folder.exists())
        self.json("/files/restore", "POST", {"undo": undo})
        self.assertTrue((folder / "file").exists())
        run = self.json("/runs", "POST", {"work": {"kind": "line", "line": "true"}, "workspace": self.workspace})
        until("it ended", lambda: self.json(f"/runs/{run['run_id']}")["state"] == "succeeded")
        self.json(f"/runs/{run['run_id']}", "DELETE")
        self.assertEqual(self.json("/runs")["runs"], [])

    def test_notices_come_over_a_channel(self):
        self.page.run(
            """
            const internals = window.__TAURI_INTERNALS__;
            window.heard = [];
            const id = internals.transformCallback(message => window.heard.push(JSON.stringify(message)));
            await internals.invoke("subscribe", {
                channel: `__CHANNEL__:${id}`, watch: { runs: [], workspace: arguments[0] },
            });
            """,
            self.workspace,
        )
        self.heard('"hello"')
        self.json("/runs", "POST", {"work": {"kind": "line", "line": "true"}, "workspace": self.workspace})
        self.heard('"runs"')
        (self.desk.home / "stigmer-workspace" / "from-outside").write_text("x")
        self.heard("from-outside")

    def heard(self, text):
        until(f"{text} is heard", lambda: any(text in notice for notice in self.page.run("return window.heard")))

    def test_what_is_not_listed_is_refused(self):
        for command in (
            "plugin:shell|execute",
            "plugin:shell|open",
            "plugin:dialog|open",
            "plugin:opener|open_url",
            "plugin:fs|read_text_file",
            "plugin:event|listen",
            "plugin:window|close",
            "plugin:webview|create_webview_window",
            "plugin:window-state|save_window_state",
            "anything",
        ):
            with self.assertRaisesRegex(PageError, "not allowed|not found", msg=command):
                self.page.run("return await window.__TAURI_INTERNALS__.invoke(arguments[0])", command)

    def test_only_pages_of_the_web_are_opened(self):
        for url in ("file:///etc/passwd", "javascript:alert(1)", "/etc"):
            with self.assertRaises(PageError, msg=url):
                self.page.run('return await window.__TAURI_INTERNALS__.invoke("open_url", { url: arguments[0] })', url)

    def test_the_window_stays_with_its_own_pages(self):
        before = self.page.run("return location.href")
        self.page.run('location.href = "https://example.org/"; open("https://example.org/")')
        self.page.run('location.href = "stigmer://localhost/api/v1/app"')
        self.assertEqual(self.page.run("return location.href"), before)
        self.assertEqual(len(self.page.ask("GET", f"{self.page.session}/window/handles")), 1)

    def test_nothing_else_is_reached_from_the_pages(self):
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            stranger.settimeout(0)
            url = f"http://127.0.0.1:{stranger.getsockname()[1]}/"
            with self.assertRaises(PageError):
                self.page.run("await fetch(arguments[0])", url)
            self.page.run("new Image().src = arguments[0]; navigator.sendBeacon(arguments[0])", url)
            # What comes later is answered after what was refused before.
            self.json("/app")
            self.assertRaises(BlockingIOError, stranger.accept)
        with self.assertRaisesRegex(PageError, "unsafe-eval"):
            self.page.run('return (0, eval)("1")')


if __name__ == "__main__":
    unittest.main()
