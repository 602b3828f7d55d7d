"""What tests ask of the display: which windows there are, and that one be closed as its cross would."""

import ctypes
import subprocess


def windows(display, name):
    """The windows that can be seen and have this name."""
    arguments = ["xdotool", "search", "--onlyvisible", "--name", f"^{name}$"]
    answer = subprocess.run(arguments, env={"DISPLAY": display}, capture_output=True, text=True)
    return [int(line) for line in answer.stdout.split()]


def colours(display, window):
    """How many different colours a window shows."""
    picture = subprocess.run(["import", "-window", str(window), "png:-"], env={"DISPLAY": display}, capture_output=True)
    counted = subprocess.run(
        ["identify", "-format", "%k", "png:-"], input=picture.stdout, capture_output=True, text=False
    )
    return int(counted.stdout or 0)


def size(display, window):
    """Width and height."""
    arguments = ["xdotool", "getwindowgeometry", "--shell", str(window)]
    answer = subprocess.run(arguments, env={"DISPLAY": display}, capture_output=True, text=True)
    values = dict(line.split("=") for line in answer.stdout.split())
    return int(values.get("WIDTH", 0)), int(values.get("HEIGHT", 0))


def resize(display, window, width, height):
    subprocess.run(["xdotool", "windowsize", str(window), str(width), str(height)], env={"DISPLAY": display}, check=True)


def press(display, window, *keys):
    """Types into a window. Without a window manager nothing has the keyboard by itself."""
    for arguments in (["windowfocus", "--sync", str(window)], ["key", "--clearmodifiers", *keys]):
        subprocess.run(["xdotool", *arguments], env={"DISPLAY": display}, check=True)


class Message(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("room", ctypes.c_long * 24),
    ]


def close(display, window):
    """Sends what a window manager sends when the cross is clicked."""
    library = ctypes.CDLL("libX11.so.6")
    library.XOpenDisplay.restype = ctypes.c_void_p
    library.XInternAtom.restype = ctypes.c_ulong
    connection = ctypes.c_void_p(library.XOpenDisplay(display.encode()))
    protocols, delete = (
        library.XInternAtom(connection, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    client_message = 33
    message = Message(type=client_message, window=window, message_type=protocols, format=32)
    message.data[0] = delete
    library.XSendEvent(connection, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(message))
    library.XCloseDisplay(connection)
