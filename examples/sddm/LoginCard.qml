// SPDX-License-Identifier: LGPL-2.1-or-later

// An item for the themes of SDDM, and other greeters in QML: shows whether a card for logins is
// inserted, as the property "inserted".
//
// QML has no D-Bus. Instead of a plugin, which had to be compiled for the Qt of the greeter, the
// item follows a folder in which the service login-card-file.py keeps the file "inserted" while
// there is such a card. Qt watches the folder; nothing polls.

import QtQuick 2.15
import Qt.labs.folderlistmodel 2.15

Row {
    id: loginCard

    property url folder: "file:///run/smartcardd-greeter"
    property color color: "white"
    readonly property bool inserted: files.count > 0
    readonly property string prompt: inserted ? qsTr("PIN") : qsTr("Password")
    readonly property string message: inserted ? qsTr("Enter the PIN of your smart card.")
                                               : qsTr("Insert your smart card.")

    spacing: 12

    FolderListModel {
        id: files
        folder: loginCard.folder
        nameFilters: ["inserted"]
        showDirs: false
    }

    Rectangle { // a card with its chip
        width: 48
        height: 32
        radius: 4
        color: "transparent"
        border.color: loginCard.color
        border.width: 2
        opacity: loginCard.inserted ? 1 : 0.4

        Rectangle {
            x: 8
            y: 10
            width: 12
            height: 12
            radius: 2
            color: loginCard.color
        }
    }

    Text {
        anchors.verticalCenter: parent.verticalCenter
        color: loginCard.color
        font.pixelSize: 18
        text: loginCard.message
    }
}
