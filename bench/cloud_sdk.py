"""The other side of `cloud.py`: Daytona's official SDK, as a program of its own.

    cloud_sdk.py make                  makes a sandbox, prints its id
    cloud_sdk.py exec ID               one command: what a script does that knows its sandbox
    cloud_sdk.py warm ID               one after another in one program: for each line of input one, whose seconds it prints
    cloud_sdk.py upload ID FOLDER      all files of a folder in one call; prints seconds
    cloud_sdk.py lines ID COMMAND      follows the log of a session; prints the time of each line's arrival before it
    cloud_sdk.py end ID N              prints the median time from a command's last act to the answer that it is over
    cloud_sdk.py delete ID
"""

import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

from daytona import AsyncDaytona, Daytona, DaytonaConfig, FileUpload, SessionExecuteRequest


def config():
    return DaytonaConfig(api_key=os.environ["DAYTONA_API_KEY"], api_url=os.environ["DAYTONA_API_URL"], target="us")


def timed(act):
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def upload(sandbox, folder):
    root = Path(folder)
    files = [
        FileUpload(source=str(path), destination=f"bench/{path.relative_to(root)}")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]
    return timed(lambda: sandbox.fs.upload_files(files))


async def lines(name, command):
    async with AsyncDaytona(config()) as daytona:
        sandbox = await daytona.get(name)
        await sandbox.process.create_session("bench")
        request = SessionExecuteRequest(command=command, run_async=True)
        started = await sandbox.process.execute_session_command("bench", request)

        def take(text):
            now = time.time()
            for line in text.splitlines():
                if line.strip():
                    print(now, line.strip(), flush=True)

        await sandbox.process.get_session_command_logs_async("bench", started.cmd_id, take, take)
        await sandbox.process.delete_session("bench")


def end(sandbox, count):
    def once():
        answer = sandbox.process.exec("date +%s.%N")
        return time.time() - float(answer.result)

    return statistics.median(once() for _ in range(count))


def main():
    act, *given = sys.argv[1:]
    if act == "lines":
        return asyncio.run(lines(*given))
    daytona = Daytona(config())
    if act == "make":
        return print(daytona.create().id)
    sandbox = daytona.get(given[0])
    match act:
        case "exec":
            sys.exit(sandbox.process.exec("true").exit_code)
        case "warm":
            sandbox.process.exec("true")
            for _ in sys.stdin:
                print(timed(lambda: sandbox.process.exec("true")), flush=True)
        case "upload":
            print(upload(sandbox, given[1]))
        case "end":
            print(end(sandbox, int(given[1])))
        case "delete":
            sandbox.delete()


main()
