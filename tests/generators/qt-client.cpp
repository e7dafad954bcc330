/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Usage: scd-qt-client READER-PATH COMMAND...
 *
 * Uses a card by the code that qdbusxml2cpp generates from the interfaces, with Qt 5 or Qt 6.
 * Prints one line for each value: a word and the value, bytes in hex. The commands are in hex.
 * test_qt.py compiles it, together with the generated adaptors.
 */

#include <cstdio>
#include <cstdlib>
#include <QtCore/QCoreApplication>
#include <QtDBus/QDBusConnection>
#include <QtDBus/QDBusMetaType>

#include "card_adaptor.h"
#include "card_proxy.h"
#include "manager_adaptor.h"
#include "manager_proxy.h"
#include "reader_adaptor.h"
#include "reader_proxy.h"
#include "session_adaptor.h"
#include "session_proxy.h"

static const QString service = QStringLiteral("org.smartcardd1");

template <typename Reply>
static Reply
wait_for(Reply reply)
{
    reply.waitForFinished();
    if (reply.isError()) {
        fprintf(stderr, "%s\n", qPrintable(reply.error().message()));
        exit(EXIT_FAILURE);
    }
    return reply;
}

static void
print(const char *word, const QByteArray &bytes)
{
    printf("%s %s\n", word, bytes.toHex().toUpper().constData());
}

static QString
find_first_card(const QString &reader_path)
{
    OrgSmartcardd1ReaderInterface reader(service, reader_path, QDBusConnection::systemBus());

    print("name", reader.pcscName());
    return reader.card().path();
}

static QString
connect_to_card(const QString &path)
{
    OrgSmartcardd1CardInterface card(service, path, QDBusConnection::systemBus());

    print("atr", card.atr());
    auto reply = wait_for(card.Connect(QStringLiteral("shared"), QStringList(), QVariantMap()));
    printf("protocol %s\n", qPrintable(reply.argumentAt<1>()));
    return reply.argumentAt<0>().path();
}

static void
use_card(const QString &path, const QList<QByteArray> &commands)
{
    OrgSmartcardd1SessionInterface session(service, path, QDBusConnection::systemBus());

    for (const QByteArray &command : commands)
        print("response", wait_for(session.Transmit(command, QVariantMap())).value());
    auto many = wait_for(session.TransmitMany(commands, QVariantMap()));
    for (const QByteArray &response : many.argumentAt<0>())
        print("one-of-many", response);
    printf("stopped '%s'\n", qPrintable(many.argumentAt<1>()));
    auto channel = wait_for(session.OpenChannel(QVariantMap()));
    printf("descriptor %s\n", channel.value().isValid() ? "valid" : "invalid");
}

static void
list_sessions()
{
    OrgSmartcardd1ManagerInterface manager(service, QStringLiteral("/org/smartcardd1"),
                                           QDBusConnection::systemBus());

    printf("sessions %d\n", int(wait_for(manager.ListSessions()).value().size()));
}

int
main(int argc, char **argv)
{
    QCoreApplication application(argc, argv);
    QList<QByteArray> commands;

    qDBusRegisterMetaType<QList<QByteArray>>();
    qDBusRegisterMetaType<QList<QVariantMap>>();
    if (argc < 3) {
        fprintf(stderr, "Usage: %s READER-PATH COMMAND...\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (int i = 2; i < argc; i++)
        commands << QByteArray::fromHex(argv[i]);
    QString session = connect_to_card(find_first_card(QString::fromUtf8(argv[1])));
    use_card(session, commands);
    list_sessions();
    return EXIT_SUCCESS;
}
