// SPDX-License-Identifier: LGPL-2.1-or-later

// Prints the events of gnome-shell's smartcardManager.js, a line each:
//
//     gjs shell-events.js FOLDER
//
// FOLDER has misc/smartcardManager.js and the files that it imports.

const {Gio, GLib} = imports.gi;

const folder = ARGV[0];
const [, bytes] = GLib.file_get_contents(`${folder}/misc/smartcardManager.js`);
const isModule = /^import /m.test(new TextDecoder().decode(bytes));

function follow(manager) {
    const show = (event, token) => print(event, token.get_object_path().split('/').pop(),
        JSON.stringify(token.Name), token.UsedToLogin ? 'login' : 'other',
        manager.hasInsertedLoginToken() ? 'login-inserted' : 'login-missing');

    manager.connect('smartcard-inserted', (_manager, token) => show('inserted', token));
    manager.connect('smartcard-removed', (_manager, token) => show('removed', token));
    print('ready');
}

if (isModule) {
    import(`file://${folder}/misc/smartcardManager.js`)
        .then(module => follow(module.getSmartcardManager()))
        .catch(logError);
} else {
    imports.searchPath.unshift(folder);
    follow(imports.misc.smartcardManager.getSmartcardManager());
}

// Not GLib.MainLoop.run(), which must not be called from a promise's reaction.
const loop = new GLib.MainLoop(null, false);
loop.run();
