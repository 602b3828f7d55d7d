"""The tray, chosen from over D-Bus as a desktop does, and the end of the app."""

import json
import subprocess
import unittest

import x11
from desk import COMMAND_LINE, Desk, until

# Says in a file that it was asked to end, and does.
POLITE = "trap 'echo asked > asked; exit 3' TERM; echo ready; while :; do sleep 0.05; done"


class TrayMenu(unittest.TestCase):
    def setUp(self):
        self.desk = Desk()
        self.addCleanup(self.desk.close)
        self.app = self.desk.open_app()
        self.tray = self.desk.tray
        until("the tray is there", lambda: "Open Stigmer" in self.tray.labels())

    def wait_for_entry(self, beginning, there=True):
        def found():
            return any(label.startswith(beginning) for label in self.tray.labels()) == there

        until(f"the menu is right about {beginning!r}", found)

    def question(self):
        return until("it asks", lambda: self.desk.windows("Quit Stigmer.*"))[0]

    def answer(self, key):
        """Presses the button that has this letter."""
        x11.press(self.desk.display, self.question(), key)
        until("the question is gone", lambda: not self.desk.windows("Quit Stigmer.*"))

    def polite_run(self):
        run = self.desk.run(POLITE)
        self.desk.wait_for(run, "running")
        until("it listens", lambda: self.desk.api("GET", f"/api/v1/runs/{run}")["bytes"])
        return run

    def was_asked(self):
        return (self.desk.home / "asked").exists()

    def test_open_shows_the_window_again(self):
        self.desk.close_window()
        self.tray.choose("Open Stigmer")
        until("the window is there", self.desk.windows)

    def test_what_runs_is_listed_and_can_be_stopped(self):
        self.assertIn("Nothing is running", self.tray.labels())
        run = self.polite_run()
        self.wait_for_entry("Stop: trap 'echo asked")
        self.assertIn("1 run is going on", self.tray.labels())
        self.tray.choose("Stop: trap")
        self.desk.wait_for(run, "cancelled")
        self.assertTrue(self.was_asked())
        self.wait_for_entry("Stop:", there=False)
        self.assertIn("Nothing is running", self.tray.labels())

    def test_a_recent_run_can_be_run_again(self):
        self.desk.wait_for(self.desk.run("echo x >> times && true"), "succeeded")
        self.wait_for_entry("✓ echo x >> times && true")
        self.tray.choose("✓ echo x >> times")
        times = self.desk.home / "times"
        until("it ran again", lambda: times.read_text() == "x\nx\n")
        runs = self.desk.api("GET", "/api/v1/runs")["runs"]
        self.assertEqual([run["origin"] for run in runs], ["tray", "api"])

    def test_the_picture_tells_what_is_going_on(self):
        pictures = [self.tray.property("IconName")]
        run = self.polite_run()
        until("it shows that something runs", lambda: self.changed(pictures))
        self.desk.api("POST", f"/api/v1/runs/{run}/cancel", {})
        until("it shows that nothing runs", lambda: self.changed(pictures))
        self.desk.wait_for(self.desk.run("exit 1"), "failed")
        self.wait_for_entry("The last run failed")

    def changed(self, pictures):
        now = self.tray.property("IconName")
        if now == pictures[-1]:
            return False
        pictures.append(now)
        return True

    def test_runs_of_the_command_line_are_listed(self):
        run = self.desk.start([COMMAND_LINE, "run", "sleep 600"], cwd=self.desk.home)
        self.wait_for_entry("Stop: sleep 600")
        self.tray.choose("Stop: sleep 600")
        self.assertEqual(run.wait(60), 130)

    def test_quit_ends_the_app_when_nothing_runs(self):
        self.tray.choose("Quit")
        self.assertEqual(self.app.wait(60), 0)
        self.assertFalse((self.desk.data / "server.json").exists())

    def test_quit_asks_while_something_runs_and_leaves_it_open(self):
        run = self.polite_run()
        self.tray.choose("Quit")
        self.answer("Escape")
        self.assertEqual(self.desk.state(run), "running")
        self.assertIsNone(self.app.poll())

    def test_quit_stops_what_runs_when_told_so(self):
        self.polite_run()
        self.desk.close_window()
        self.tray.choose("Quit")
        self.answer("Return")
        self.assertEqual(self.app.wait(60), 0)
        self.assertTrue(self.was_asked())

    def test_the_signal_to_terminate_ends_runs_politely_without_asking(self):
        run = self.polite_run()
        self.app.terminate()
        self.assertEqual(self.app.wait(60), 0)
        self.assertTrue(self.was_asked())
        shown = subprocess.run(
            [COMMAND_LINE, "runs", "show", "--json", run], env=self.desk.environment, capture_output=True, check=True
        )
        self.assertEqual(json.loads(shown.stdout)["state"], "cancelled")


if __name__ == "__main__":
    unittest.main()
