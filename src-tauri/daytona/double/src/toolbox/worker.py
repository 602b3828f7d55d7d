# Runs code for one context of the interpreter: a request of JSON on each line of the input, messages of JSON on the
# lines of the output. Variables live as long as this process.
import io
import json
import os
import sys
import traceback

requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
nothing = os.open(os.devnull, os.O_RDWR)
os.dup2(nothing, 0)
os.dup2(nothing, 1)


def tell(kind, text="", name="", value="", trace=""):
    message = {"type": kind, "text": text, "name": name, "value": value, "traceback": trace}
    messages.write(json.dumps(message) + "\n")
    messages.flush()


class Stream(io.TextIOBase):
    """Tells what is written, at the end of a line or after many characters."""

    def __init__(self, kind):
        self.kind = kind
        self.held = ""

    def writable(self):
        return True

    def write(self, text):
        self.held += text
        if "\n" in text or len(self.held) >= 1024:
            self.flush()
        return len(text)

    def flush(self):
        if self.held:
            held, self.held = self.held, ""
            tell(self.kind, held)


def fail(error):
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != "<stdin>":
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    tell("error", name=type(error).__name__, value=str(error), trace=text)


def run(code):
    try:
        exec(compile(code, "<stdin>", "exec"), variables)
        return "completed"
    except KeyboardInterrupt:
        return "interrupted"
    except SystemExit:
        return "completed"
    except BaseException as error:
        sys.stdout.flush()
        sys.stderr.flush()
        fail(error)
        return "completed"


variables = {"__name__": "__main__", "__builtins__": __builtins__}
sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
while True:
    try:
        line = requests.readline()
    except KeyboardInterrupt:
        continue
    if not line:
        break
    request = json.loads(line)
    before = dict(os.environ)
    os.environ.update(request.get("envs") or {})
    end = run(request["code"])
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ.clear()
    os.environ.update(before)
    tell("control", end)
