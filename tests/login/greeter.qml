// SPDX-License-Identifier: LGPL-2.1-or-later

// A greeter with LoginCard.qml, in a folder beside it. Prints each message, and then "saved" when
// its picture is in a file.

import QtQuick 2.15
import QtQuick.Window 2.15
import "sddm"

Window {
    width: page.width
    height: page.height
    visible: true

    Rectangle {
        id: page

        width: 400
        height: 80
        color: "#223344"

        function report() {
            console.log(loginCard.prompt + ": " + loginCard.message);
            grabToImage(result => {
                result.saveToFile(loginCard.inserted ? "inserted.png" : "empty.png");
                console.log("saved");
            });
        }

        LoginCard {
            id: loginCard
            anchors.centerIn: parent
            folder: Qt.resolvedUrl("state")
            onMessageChanged: Qt.callLater(page.report)
            Component.onCompleted: Qt.callLater(page.report)
        }
    }
}
