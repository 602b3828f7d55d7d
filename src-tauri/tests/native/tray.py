"""Reads and clicks the tray over D-Bus, as a desktop does."""

import dbus

ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
PROPERTIES = "org.freedesktop.DBus.Properties"
WATCHER = "org.kde.StatusNotifierWatcher"


class Tray:
    def __init__(self, address):
        self.bus = dbus.bus.BusConnection(address)

    def item(self):
        """The address and the path of the app's item, once it has registered one."""
        try:
            watcher = self.bus.get_object(WATCHER, "/StatusNotifierWatcher", introspect=False)
            items = watcher.Get(WATCHER, "RegisteredStatusNotifierItems", dbus_interface=PROPERTIES)
        except dbus.DBusException:
            return None
        if not items:
            return None
        name, path = str(items[-1]).split("/", 1)
        return name, "/" + path

    def property(self, name):
        address, path = self.item()
        item = self.bus.get_object(address, path, introspect=False)
        return item.Get(ITEM, name, dbus_interface=PROPERTIES)

    def entries(self):
        """Every entry of the menu, those of menus in it too: label, id and whether it can be chosen."""
        menu = self.menu()
        if menu is None:
            return []
        _, layout = menu.GetLayout(0, -1, dbus.Array([], signature="s"), dbus_interface=MENU)
        return list(walk(layout))

    def labels(self):
        return [label for label, _, _ in self.entries()]

    def choose(self, beginning):
        """Clicks the first entry whose label begins like this."""
        # Ids change with each new menu.
        for label, number, enabled in self.entries():
            if label.startswith(beginning) and enabled:
                event = (number, "clicked", dbus.String("", variant_level=1), dbus.UInt32(0))
                self.menu().Event(*event, dbus_interface=MENU)
                return
        raise AssertionError(f"no entry begins with {beginning!r}: {self.labels()}")

    def menu(self):
        if self.item() is None:
            return None
        address, path = self.item()
        try:
            return self.bus.get_object(address, self.property("Menu"), introspect=False)
        except dbus.DBusException:
            return None


def walk(entry):
    number, properties, children = entry
    if "label" in properties:
        # Two underscores are one that is not a key.
        label = str(properties["label"]).replace("__", "_")
        yield label, int(number), bool(properties.get("enabled", True))
    for child in children:
        yield from walk(child)
