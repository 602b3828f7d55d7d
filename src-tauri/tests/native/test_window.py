"""The window and the process behind it."""

import os
import pathlib
import signal
import subprocess
import time
import unittest

import x11
from desk import APP, COMMAND_LINE, Desk, command_of, descendants, memory, read_json, tell, until


class Window(unittest.TestCase):
    def desk(self, **options):
        desk = Desk(**options)
        self.addCleanup(desk.close)
        return desk

    def test_the_window_shows_a_picture_and_the_process_outlives_it(self):
        desk = self.desk()
        app = desk.open_app()
        tell(f"first picture after {desk.shown * 1000:.0f} ms")
        until("the picture is no blank sheet", lambda: x11.colours(desk.display, desk.windows()[0]) > 50)
        self.assertTrue(desk.web_processes())
        tell(f"memory with a window: {memory(app.pid):.0f} MiB")

        desk.close_window()
        until("the web view is gone", lambda: not desk.web_processes())
        time.sleep(1)
        self.assertIsNone(app.poll())
        tell(f"memory of the tray alone: {memory(app.pid):.0f} MiB, {rate(app.pid):.2f} % of a core")

    def test_the_window_is_as_large_as_it_was(self):
        desk = self.desk()
        desk.open_app()
        size = (900, 700)
        x11.resize(desk.display, desk.windows()[0], *size)
        until("it has another size", lambda: x11.size(desk.display, desk.windows()[0]) == size)
        desk.close_window()
        desk.tray.choose("Open Stigmer")
        until("it has the size again", lambda: desk.windows() and x11.size(desk.display, desk.windows()[0]) == size)

    def test_a_second_start_shows_the_window_of_the_first(self):
        desk = self.desk()
        app = desk.open_app()
        desk.close_window()
        for again in ([APP], [COMMAND_LINE, "open"]):
            self.assertEqual(subprocess.run(again, env=desk.environment, timeout=60).returncode, 0)
            until("the window is there", desk.windows)
            desk.close_window()
        self.assertIsNone(app.poll())

    def test_without_a_session_bus_closing_the_window_ends_the_app(self):
        desk = self.desk(bus=False)
        app = desk.open_app()
        self.assertEqual(desk.api("GET", "/health")["ok"], True)
        desk.close_window()
        self.assertEqual(app.wait(60), 0)

    def test_without_a_tray_host_the_app_works(self):
        desk = self.desk(watcher=False)
        desk.open_app()
        desk.wait_for(desk.run("true"), "succeeded")

    def test_without_a_display_it_says_so(self):
        desk = self.desk()
        environment = {**desk.environment, "DISPLAY": ""}
        for program in ([APP], [COMMAND_LINE, "open"]):
            answer = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60)
            self.assertNotEqual(answer.returncode, 0)
            self.assertIn("there is no display", answer.stderr)

    def test_a_window_that_draws_nothing_starts_again_in_the_safe_mode_once(self):
        desk = self.desk()
        del desk.environment["WEBKIT_DISABLE_COMPOSITING_MODE"]
        desk.environment["STIGMER_FIRST_PAINT_MS"] = "1"
        first = desk.start([APP], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual(first.wait(60), 0)
        self.assertTrue((desk.data / "safe-rendering").exists())
        second = until("the second start is there", lambda: read_json(desk.data / "server.json"))["pid"]
        self.addCleanup(os.kill, second, signal.SIGTERM)
        # What the app sets by itself is seen in the processes that it starts.
        until("the web view is there", lambda: web_views(second))
        for pid in web_views(second):
            self.assertIn(b"WEBKIT_DISABLE_COMPOSITING_MODE=1", variables(pid))
        until("the window is there", desk.windows)


def web_views(app):
    return [pid for pid in descendants(app) if "WebKitWebProcess" in command_of(pid)]


def variables(pid):
    return pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def rate(pid):
    """The share of a core that a process uses while nothing happens, in percent."""
    begun = ticks(pid)
    time.sleep(5)
    return (ticks(pid) - begun) / os.sysconf("SC_CLK_TCK") / 5 * 100


def ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


if __name__ == "__main__":
    unittest.main()
