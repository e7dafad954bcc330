// SPDX-License-Identifier: LGPL-2.1-or-later

// Reads the tokens in the way of gnome-shell's file of this name, for machines without gnome-shell:
// GetManagedObjects once the name has an owner, a proxy for each token, and its cached properties.

/* exported getSmartcardManager */

const {Gio, GLib, GObject} = imports.gi;

const NAME = 'org.gnome.SettingsDaemon.Smartcard';
const ROOT = '/org/gnome/SettingsDaemon/Smartcard';
const TOKEN = `${NAME}.Token`;
const INFO = Gio.DBusInterfaceInfo.new_for_xml(`<node><interface name="${TOKEN}">
<property name="Name" type="s" access="read"/><property name="IsInserted" type="b" access="read"/>
<property name="UsedToLogin" type="b" access="read"/></interface></node>`);

const Manager = GObject.registerClass({
    Signals: {
        'smartcard-inserted': {param_types: [GObject.TYPE_OBJECT]},
        'smartcard-removed': {param_types: [GObject.TYPE_OBJECT]},
    },
}, class Manager extends GObject.Object {
    _init() {
        super._init();
        this._tokens = new Map();
        this._client = Gio.DBusObjectManagerClient.new_for_bus_sync(Gio.BusType.SESSION,
            Gio.DBusObjectManagerClientFlags.DO_NOT_AUTO_START, NAME, ROOT, null, null);
        this._client.connect('object-added', (_client, object) => this._add(object));
        this._client.connect('object-removed', (_client, object) => this._remove(object));
        GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
            this._client.get_objects().forEach(object => this._add(object));
            return GLib.SOURCE_REMOVE;
        });
    }

    _add(object) {
        const path = object.get_object_path();
        if (this._tokens.has(path) || !object.get_interface(TOKEN) || path.endsWith('/login_token'))
            return;
        const token = new Gio.DBusProxy({
            g_connection: Gio.DBus.session, g_name: NAME, g_interface_name: TOKEN,
            g_interface_info: INFO, g_object_path: path,
        });
        token.init(null);
        this._tokens.set(path, token);
        token.changedId = token.connect('g-properties-changed', (_token, changed) => {
            if (changed.lookup_value('IsInserted', null))
                this.emit(token.IsInserted ? 'smartcard-inserted' : 'smartcard-removed', token);
        });
        if (token.IsInserted)
            this.emit('smartcard-inserted', token);
    }

    _remove(object) {
        const token = this._tokens.get(object.get_object_path());
        if (!token)
            return;
        token.disconnect(token.changedId);
        this._tokens.delete(object.get_object_path());
        this.emit('smartcard-removed', token);
    }

    hasInsertedLoginToken() {
        return [...this._tokens.values()].some(token => token.UsedToLogin && token.IsInserted);
    }
});

// gjs frees an object to which no variable refers, although its signals are connected.
let manager = null;

function getSmartcardManager() {
    manager ??= new Manager();
    return manager;
}
