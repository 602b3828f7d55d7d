"""Runs one script after another in the same module, each with the streams of its run.

Standard input is a socket. Each request is one byte with four descriptors: the input, output and errors of a run, and
a file with its arguments, folder and variables. The answer is the exit code.
"""

import os
import signal
import socket
import struct
import sys


def main():
    import array
    import builtins
    import linecache
    import traceback
    import types

    control = socket.socket(fileno=os.dup(0))
    own = os.getpid()
    shown = {}  # what the last run was given, so that what a script itself changed stays
    folder = None

    scripts = types.ModuleType("__main__")
    scripts.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = scripts
    sys.path[0] = ""

    def ignore(number, frame):
        pass

    # Between scripts. A handler, since what a script starts would inherit that the signal is ignored.
    signal.signal(signal.SIGINT, ignore)

    def next_request():
        room = socket.CMSG_SPACE(4 * array.array("i").itemsize)
        byte, parts, _, _ = control.recvmsg(1, room, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
        if not byte:
            os._exit(0)
        given = array.array("i")
        for level, kind, data in parts:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                given.frombytes(data[: len(data) - len(data) % given.itemsize])
        return list(given)

    def fields(descriptor):
        with os.fdopen(descriptor, "rb") as file:
            file.seek(0)
            data = file.read()
        at, found = 0, []
        while at < len(data):
            (length,) = struct.unpack_from("<I", data, at)
            found.append(os.fsdecode(data[at + 4 : at + 4 + length]))
            at += 4 + length
        return found

    def lend(streams):
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
            os.close(descriptor)
        # Whole lines at once, also into a pipe: somebody is watching.
        sys.stdin = open(0, closefd=False, errors="surrogateescape")
        sys.stdout = open(1, "w", closefd=False, buffering=1, errors="surrogateescape")
        sys.stderr = open(2, "w", closefd=False, buffering=1, errors="backslashreplace")
        sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr

    def flush():
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            say(lambda: stream.flush())

    def take_back():
        flush()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nowhere, number)
        os.close(nowhere)
        # What nobody took is nobody's: the next run must not get it.
        flush()

    def enter(directory, variables):
        nonlocal folder
        if directory != folder:
            os.chdir(directory)
            folder = directory
        for name in shown.keys() - variables.keys():
            os.environ.pop(name, None)
        for name, value in variables.items():
            if shown.get(name) != value:
                os.environ[name] = value
        shown.clear()
        shown.update(variables)

    def code_of(reason):
        code = reason.code
        if code is None:
            return 0
        if isinstance(code, int):
            return code & 0xFF
        say(lambda: print(code, file=sys.stderr))
        return 1

    def say(what):
        try:
            what()
        except Exception:
            pass  # nobody reads it any more

    def complain():
        kind, error, trace = sys.exc_info()
        # The frames above are ours.
        while trace is not None and trace.tb_frame.f_globals is not scripts.__dict__:
            trace = trace.tb_next
        hook = sys.excepthook
        if hook is sys.__excepthook__:
            hook = traceback.print_exception
        say(lambda: hook(kind, error, trace))

    def run(path, arguments):
        sys.argv = [path] + arguments
        try:
            with open(path, "rb") as file:
                source = file.read()
            # Functions are called when their script is gone; their lines are shown all the same.
            lines = source.decode("utf-8", "replace").splitlines(True)
            linecache.cache[path] = (len(source), None, lines, path)
            scripts.__file__ = path
            signal.signal(signal.SIGINT, signal.default_int_handler)
            exec(compile(source, path, "exec", dont_inherit=True), scripts.__dict__)
            return 0
        except SystemExit as reason:
            signal.signal(signal.SIGINT, ignore)
            return code_of(reason)
        except BaseException as error:
            signal.signal(signal.SIGINT, ignore)
            complain()
            return 130 if isinstance(error, KeyboardInterrupt) else 1
        finally:
            signal.signal(signal.SIGINT, ignore)

    take_back()
    while True:
        *streams, request = next_request()
        count, *rest = fields(request)
        arguments, rest = rest[: int(count)], rest[int(count) :]
        variables = dict(zip(rest[1::2], rest[2::2]))
        lend(streams)
        try:
            enter(rest[0], variables)
            code = run(arguments[0], arguments[1:])
        except BaseException:
            # Its folder is gone, or it was interrupted at its very end.
            signal.signal(signal.SIGINT, ignore)
            complain()
            code = 1
        if os.getpid() != own:
            # A child that a script made and that came to the script's end is not to take its place.
            flush()
            os._exit(code)
        take_back()
        control.sendall(struct.pack("<i", code))


main()
