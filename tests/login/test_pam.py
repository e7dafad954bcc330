#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The PAM module: it waits for a card, and never authenticates anybody."""

import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.login import (CARD, INSERT, OTHER_ATR, PASSWORD, RECORDS, LoginTest)
from scdtest.fakes.logind import SEATS, SESSIONS, add_seat, add_session, set_display
from scdtest.testbed import events
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import built, exported_symbols, simulated_reader

FAST_S = 0.05
NOBODY = 65534
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Waiting(LoginTest):
    def test_card_is_there(self):
        self.start(("Desk", ATR))
        self.assertEqual(self.output_of_pam("auth"), [CARD])

    def test_card_is_inserted(self):
        self.start()
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for_lines(1)
        self.assertEqual(login.lines, [INSERT])
        self.insert()
        login.wait()
        self.assertEqual(login.lines, [INSERT, CARD])

    def test_time_from_the_signal(self):
        """The fastest of several insertions: others may wait for the processor."""
        self.start()
        times = []
        for _ in range(5):
            login = self.pam("auth", arguments="timeout=infinite")
            login.wait_for(INSERT)
            self.insert()
            start = time.monotonic()
            login.wait_for(CARD)
            times.append(time.monotonic() - start)
            since = len(self.client.signals)
            self.readers.remove("Desk")
            self.client.wait_for_signal("CardRemoved", since=since)
        self.assertLess(min(times), FAST_S)

    def test_no_card(self):
        self.start()
        self.assertEqual(self.output_of_pam("auth", arguments="timeout=1"), [INSERT, PASSWORD])

    def test_nowait(self):
        self.start()
        self.assertEqual(self.output_of_pam("auth", arguments="nowait"), [PASSWORD])
        self.insert()
        self.assertEqual(self.output_of_pam("auth", arguments="nowait"), [CARD])

    def test_silent(self):
        self.start()
        self.assertEqual(self.output_of_pam("silent", arguments="timeout=1"), ["silent: success"])

    def test_require_card(self):
        self.start()
        stack = "auth requisite {module} {arguments}\nauth required pam_permit.so\n"
        arguments = "nowait require-card"
        self.assertEqual(self.output_of_pam("auth", arguments=arguments, text=stack),
                         ["auth: auth_err"])
        self.insert()
        self.assertEqual(self.output_of_pam("auth", arguments=arguments, text=stack),
                         ["auth: success"])

    def test_token_that_is_not_for_logins(self):
        self.start(("Desk", OTHER_ATR))
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for("info: Take the card out of the reader Simulated Reader Desk", "first")
        self.readers.remove("Desk")
        login.wait_for(INSERT)
        self.insert()
        login.wait()
        self.assertEqual(login.lines[-2:], [INSERT, CARD])

    def test_swap_within_a_millisecond(self):
        """For the card that counts, and for one that does not."""
        self.start(("Desk", OTHER_ATR))
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for("first")
        self.readers.swap("Desk", OTHER_ATR)
        self.readers.swap("Desk", ATR)
        login.wait()
        self.assertEqual(login.lines[-1], CARD)
        self.assertEqual(login.lines.count(CARD), 1)

    def test_it_sleeps(self):
        """While it waits for a card, nothing but an event wakes it."""
        self.start()
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for(INSERT)
        events.poll_until(login.waits_without_limit, "it sleeps")
        self.insert()
        self.assertEqual(login.wait(), 0)

    def test_mute_card(self):
        self.start()
        self.readers.order("mute", "Desk", "on")
        self.insert()
        login = self.pam("handle", "auth", arguments="timeout=infinite")
        login.wait_for("The card in the reader Simulated Reader Desk", "does not respond")
        login.send_signal(signal.SIGINT)
        self.assertEqual(login.wait(), 0)
        self.assertEqual(login.lines[-2:], ["interrupted", PASSWORD])

    def test_reader_that_is_not_for_logins(self):
        self.start()
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for_lines(1)
        self.insert("Other")
        self.insert("Desk")
        login.wait()
        self.assertEqual(login.lines, [INSERT, CARD])

    def test_other_seat(self):
        self.start(("Desk", ATR))
        self.assertEqual(self.output_of_pam("auth", arguments="timeout=1", seat="XDG_SEAT=seat1"),
                         [INSERT, PASSWORD])
        self.assertEqual(self.output_of_pam("auth", arguments="seat=seat0",
                                            seat="XDG_SEAT=seat1"), [CARD])

    def test_seat_of_a_terminal(self):
        self.start(("Desk", ATR))
        for terminal, result in (("tty1", CARD), ("/dev/tty2", CARD), ("pts/0", PASSWORD),
                                 ("ssh", PASSWORD), ("tty", PASSWORD)):
            self.assertEqual(self.output_of_pam("tty=" + terminal, "auth", seat=None), [result])

    def test_seat_of_a_screen_locker(self):
        """It runs for the user, in no session: the graphical session of the user counts."""
        self.start(("Desk", ATR))
        add_session("c1", NOBODY)
        for display, result in (("DISPLAY=c1", CARD), ("", PASSWORD)):
            set_display(NOBODY, display)
            self.assertEqual(self.output_of_pam("auth", seat=None, launcher=AS_NOBODY), [result])

    def test_sudo_in_a_session(self):
        """The seat is that of the session; one over the network has none, and does not wait."""
        self.start(("Desk", ATR))
        for changes, result in (({}, CARD), ({"SEAT": ""}, PASSWORD)):
            add_session("c1", NOBODY, **changes)
            self.assertEqual(self.output_of_pam("auth", seat=None, arguments="timeout=infinite",
                                                launcher=self.inside_of_session('exec "$@"')),
                             [result])

    def test_wrong_arguments(self):
        self.start(("Desk", ATR))
        for wrong in ("timeout=-1", "timeout=", "timeout=1x", "timeout=99999999999999999999",
                      "timeout=86401", "timeout=x", "seat=", "unknown", "nowait=1"):
            self.assertEqual(self.output_of_pam("auth", arguments=wrong), [CARD])


class Greeters(LoginTest):
    """Display managers run in no session; some do not say at which seat the person is."""

    def setUp(self):
        super().setUp()
        self.start(("Desk", ATR))
        add_seat("seat0", "c1")
        add_session("c1", NOBODY, CLASS="greeter", DISPLAY=":0")

    def assert_result(self, result, *items):
        self.assertEqual(self.output_of_pam(*items, "auth", seat=None), [result])

    def test_lightdm(self):
        """It sets the display of its greeter, which may be one of several."""
        add_seat("seat1", "c2")
        add_session("c2", NOBODY, CLASS="greeter", DISPLAY=":1", SEAT="seat1")
        self.assert_result(CARD, "tty=:0")
        self.assert_result(CARD, "xdisplay=:0", "tty=:0")
        self.assert_result(PASSWORD, "tty=:2")
        self.assertEqual(self.output_of_pam("tty=:1", "auth", arguments="timeout=1", seat=None),
                         [INSERT, PASSWORD])

    def test_display_of_a_session_that_ends(self):
        add_session("c0", NOBODY, STATE="closing", DISPLAY=":0", SEAT="seat1")
        self.assert_result(CARD, "tty=:0")

    def test_sddm(self):
        """It sets nothing before the session is opened."""
        self.assert_result(CARD)
        add_session("c1", NOBODY, CLASS="user", DISPLAY=":0")
        self.assert_result(PASSWORD)

    def test_no_logind(self):
        """Without its sessions nobody knows the seat of a display."""
        for folder in (SEATS, SESSIONS):
            shutil.rmtree(folder)
        self.assert_result(PASSWORD, "tty=:0")
        self.assert_result(PASSWORD)

    def test_two_seats_with_greeters(self):
        add_seat("seat1", "c2")
        add_session("c2", NOBODY, CLASS="greeter", SEAT="seat1")
        self.assert_result(PASSWORD)

    def test_remote_logins(self):
        """A login over the network does not use the readers of the login screen."""
        for items in (("rhost=example.com",), ("tty=:0", "rhost=example.com"), ("tty=ssh",),
                      ("xdisplay=example.com:0",), ("tty=pts/0",)):
            self.assert_result(PASSWORD, *items)


class NeverSuccess(LoginTest):
    def test_sufficient_lets_nobody_in(self):
        add_session("1", NOBODY)
        self.start(("Desk", ATR))
        stack = "".join(f"{kind} sufficient {{module}}\n{kind} required pam_deny.so\n"
                        for kind in ("auth", "account", "session"))
        for operation in ("auth", "setcred", "account", "open", "close"):
            line, = self.output_of_pam(operation, "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=1",
                                       text=stack)
            self.assertNotIn("success", line)

    def test_module_alone_lets_nobody_in(self):
        self.start(("Desk", ATR))
        for control in ("sufficient", "required", "requisite", "optional"):
            line, = self.output_of_pam("auth", text=f"auth {control} {{module}}\n")
            self.assertNotIn("success", line)


class Trouble(LoginTest):
    def test_conversation_that_fails(self):
        self.start()
        self.assertEqual(self.output_of_pam("fail", "auth", arguments="timeout=infinite"),
                         ["conversation failed", PASSWORD])

    def test_service_that_is_not_installed(self):
        self.assertEqual(self.output_of_pam("auth", arguments="timeout=infinite"), [PASSWORD])

    def test_no_bus(self):
        self.testbed.bus.kill()
        self.testbed.bus = None
        self.assertEqual(self.output_of_pam("auth", arguments="timeout=infinite"), [PASSWORD])

    def test_bus_that_ends(self):
        self.start_service()
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for(INSERT)
        self.testbed.stop_service()
        self.testbed.bus.kill()
        self.testbed.bus = None
        self.assertEqual(login.wait(), 0)
        self.assertEqual(login.lines, [INSERT, PASSWORD])

    def test_restart_of_the_service(self):
        self.start()
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for_lines(1)
        self.testbed.stop_service()
        self.start_service()
        self.readers.insert("Desk", ATR)
        login.wait()
        self.assertEqual(login.lines, [INSERT, CARD])

    def test_service_that_is_killed(self):
        """It comes back with a card in the reader."""
        self.start()
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for(INSERT)
        self.kill_service()
        self.readers.insert("Desk", ATR)
        self.start_service()
        login.wait()
        self.assertEqual(login.lines, [INSERT, CARD])

    def test_pcscd_that_is_killed(self):
        self.start()
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for(INSERT)
        self.testbed.stop_pcscd(signal.SIGKILL)
        self.client.wait_for_state(lambda c: not c.manager("Available"), "pcscd is away")
        self.testbed.start_pcscd([simulated_reader("Desk", card=ATR)])
        login.wait()
        self.assertEqual(login.lines, [INSERT, CARD])

    def test_pcscd_that_starts_later(self):
        self.start_service()
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for_lines(1)
        self.testbed.start_pcscd([simulated_reader("Desk", card=ATR)])
        login.wait()
        self.assertEqual(login.lines, [INSERT, CARD])

    def test_program_that_ends_in_the_middle(self):
        self.start()
        login = self.pam("auth", arguments="timeout=infinite")
        login.wait_for_lines(1)
        login.send_signal(signal.SIGKILL)
        login.wait()
        self.insert()
        self.assertEqual(self.output_of_pam("auth"), [CARD])

    def test_ctrl_c(self):
        """A program that handles it, as sudo, goes on to the password; its handler works later."""
        self.start()
        login = self.pam("handle", "descriptors", "auth", "descriptors", "wait",
                         arguments="timeout=infinite")
        login.wait_for(INSERT)
        login.send_signal(signal.SIGINT)
        login.wait_for("waiting")
        login.send_signal(signal.SIGINT)
        events.wait_until(lambda: login.lines.count("interrupted") == 2, "the second signal")
        login.send_signal(signal.SIGUSR1)
        self.assertEqual(login.wait(), 0)
        count, *lines = login.lines
        self.assertEqual(lines, [INSERT, "interrupted", PASSWORD, count, "waiting", "interrupted"])

    def test_other_signals(self):
        """A window that changes its size does not end the wait."""
        self.start()
        login = self.pam("handle", "auth", arguments="timeout=infinite")
        login.wait_for(INSERT)
        events.poll_until(login.waits_without_limit, "it sleeps")
        login.send_signal(signal.SIGWINCH)
        login.wait_for("interrupted")
        events.poll_until(login.waits_without_limit, "it sleeps again")
        self.insert()
        self.assertEqual(login.wait(), 0)
        self.assertEqual(login.lines, [INSERT, "interrupted", CARD])

    def test_ctrl_c_that_is_ignored(self):
        self.start()
        login = self.pam("ignore", "auth", arguments="timeout=infinite")
        login.wait_for(INSERT)
        login.send_signal(signal.SIGINT)
        self.insert()
        self.assertEqual(login.wait(), 0)
        self.assertEqual(login.lines, [INSERT, CARD])

    def test_nothing_is_left_open(self):
        add_session("c1", NOBODY)
        self.start(("Desk", ATR))
        lines = self.output_of_pam("auth", "descriptors", "auth", "auth",
                                   "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=c1", "open",
                                   "close", "descriptors")
        self.assertEqual(lines[1], lines[-1])

    def test_exported_symbols(self):
        names = exported_symbols(built("login/pam_smartcardd.so"))
        self.assertEqual([name for name in names if not name.startswith("pam_sm_")], [])
        self.assertEqual(len(names), 6)


class Records(LoginTest):
    """The card of a session."""

    SESSION = ("XDG_SESSION_ID=c1",)
    LOG_IN = ("auth", "PKCS11_LOGIN_TOKEN_NAME=T", *SESSION, "open")

    def setUp(self):
        super().setUp()
        add_session("c1", NOBODY)

    def record(self, session="c1"):
        path = os.path.join(RECORDS, session)
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            return dict(line.split("=", 1) for line in file.read().splitlines())

    def test_card_that_was_used(self):
        self.start(("Desk", ATR))
        login = self.pam("auth", "PKCS11_LOGIN_TOKEN_NAME=My\ttoken\n", *self.SESSION, "open", "wait",
                         "close")
        login.wait_for("waiting")
        self.assertEqual(self.record(), {"Reader": self.desk, "Port": "", "Atr": ATR,
                                         "Label": "My token "})
        status = os.stat(os.path.join(RECORDS, "c1"))
        self.assertEqual((status.st_uid, status.st_mode & 0o777), (0, 0o644))
        self.assertEqual(os.listdir(RECORDS), ["c1"])
        login.send_signal(signal.SIGUSR1)
        self.assertEqual(login.wait(), 0)
        self.assertIsNone(self.record())

    def test_service_that_is_killed_during_the_login(self):
        """The card is the one that authentication found."""
        self.start(("Desk", ATR))
        login = self.pam("auth", "wait", *self.LOG_IN[1:])
        login.wait_for("waiting")
        self.kill_service()
        login.send_signal(signal.SIGUSR1)
        self.assertEqual(login.wait(), 0)
        self.assertEqual(self.record()["Reader"], self.desk)

    def test_card_beside_a_password(self):
        self.start(("Desk", ATR))
        self.output_of_pam("auth", *self.SESSION, "open")
        self.assertIsNone(self.record())

    def test_argument_card_used(self):
        self.start(("Desk", ATR))
        self.output_of_pam("auth", *self.SESSION, "open", session="card-used")
        self.assertEqual(self.record()["Label"], "")

    def test_session_without_authentication(self):
        """The stack of another program authenticated, as for a greeter."""
        self.start(("Desk", ATR))
        self.output_of_pam("PKCS11_LOGIN_TOKEN_NAME=T", *self.SESSION, "open")
        self.assertEqual(self.record()["Reader"], self.desk)

    def test_umask(self):
        """The user's lock service can read the record, also if the program is careful."""
        self.start(("Desk", ATR))
        self.output_of_pam(*self.LOG_IN, launcher=["sh", "-c", 'umask 077; exec "$@"', "sh"])
        for path, mode in ((RECORDS, 0o755), (os.path.join(RECORDS, "c1"), 0o644)):
            self.assertEqual(os.stat(path).st_mode & 0o777, mode)

    def test_second_attempt(self):
        """The card of an attempt that failed is not the one that the next attempt found."""
        self.start(("Desk", ATR))
        login = self.pam("auth", "wait", "silent", "wait", *self.LOG_IN[1:], arguments="timeout=1")
        login.wait_for("waiting")
        self.readers.remove("Desk")
        self.client.wait_for_signal("CardRemoved")
        login.send_signal(signal.SIGUSR1)
        events.wait_until(lambda: login.lines.count("waiting") == 2, "the second attempt")
        login.send_signal(signal.SIGUSR1)
        self.assertEqual(login.wait(), 0)
        self.assertIsNone(self.record())

    def test_session_of_another_user(self):
        """A user may have a say in the variables of the login, but not in others' sessions."""
        self.start(("Desk", ATR))
        add_session("c2", NOBODY + 1)
        self.write_record("c2")
        self.output_of_pam(*self.LOG_IN[:2], "XDG_SESSION_ID=c2", "open", "close")
        self.assertEqual(self.record("c2"), {"Reader": "/r", "Port": "", "Atr": "00"})

    def test_login_inside_of_the_session(self):
        """As with su: the card of the session stays as it is."""
        self.start(("Desk", ATR))
        self.write_record("c1")
        self.output_of_pam(*self.LOG_IN, "close", launcher=self.inside_of_session())
        self.output_of_pam(*self.SESSION, "open", "close", launcher=self.inside_of_session())
        self.assertEqual(self.record(), {"Reader": "/r", "Port": "", "Atr": "00"})

    def test_earlier_session_of_that_name(self):
        """Its login was killed; the new one is with a password."""
        self.start(("Desk", ATR))
        self.write_record("c1")
        self.output_of_pam("auth", *self.SESSION, "open")
        self.assertIsNone(self.record())

    def write_record(self, session):
        os.makedirs(RECORDS, exist_ok=True)
        with open(os.path.join(RECORDS, session), "w", encoding="ascii") as file:
            file.write("Reader=/r\nPort=\nAtr=00\n")

    def test_names_that_are_not_sessions(self):
        self.start(("Desk", ATR))
        for name in ("../c1", "/tmp/c1", ".", "a b", "x" * 65, "c1.new"):
            self.output_of_pam("auth", "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=" + name,
                               "open", "close")
        self.assertFalse(os.path.exists(RECORDS))

    def test_link_in_the_folder(self):
        """Only root can write there; a link is replaced, and never followed."""
        self.start(("Desk", ATR))
        os.mkdir(RECORDS, 0o755)
        target = os.path.join(self.testbed.folder, "target")
        for name in ("c1", "c1.new"):
            os.symlink(target, os.path.join(RECORDS, name))
        self.output_of_pam("auth", "PKCS11_LOGIN_TOKEN_NAME=T", *self.SESSION, "open")
        self.assertEqual(self.record()["Atr"], ATR)
        self.assertFalse(os.path.exists(target))


class RecordsThatFail(LoginTest):
    """The card cannot be remembered: the user is let in all the same, and nothing is left."""

    SESSION = ("PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=c1", "open", "close")

    def setUp(self):
        super().setUp()
        add_session("c1", NOBODY)
        self.start(("Desk", ATR))

    def mount(self, *arguments):
        subprocess.run(["mount", *arguments], check=True)
        self.addCleanup(subprocess.run, ["umount", arguments[-1]], check=True)

    def assert_nothing_is_left(self, *names):
        self.assertEqual(self.output_of_pam("auth", *self.SESSION),
                         [CARD, "open: success", "close: success"])
        self.assertEqual(os.listdir(RECORDS), list(names))

    def test_folder_that_cannot_be_made(self):
        run = 'mount --bind /run /run && mount -o remount,bind,ro /run && exec "$@"'
        lines = self.output_of_pam("auth", *self.SESSION,
                                   launcher=["unshare", "--mount", "sh", "-c", run, "sh"])
        self.assertEqual(lines, [CARD, "open: success", "close: success"])
        self.assertFalse(os.path.exists(RECORDS))

    def test_folder_that_is_none(self):
        """A file, or a link of somebody to another folder."""
        with open(RECORDS, "w", encoding="ascii"):
            pass
        self.assertEqual(self.output_of_pam("auth", *self.SESSION[:-1]), [CARD, "open: success"])
        os.unlink(RECORDS)
        target = os.path.join(self.testbed.folder, "target")
        os.mkdir(target)
        os.symlink(target, RECORDS)
        self.addCleanup(os.unlink, RECORDS)
        self.assertEqual(self.output_of_pam("auth", *self.SESSION[:-1]), [CARD, "open: success"])
        self.assertEqual(os.listdir(target), [])

    def test_folders_in_place_of_files(self):
        for name in ("c1", "c1.new"):
            os.makedirs(os.path.join(RECORDS, name))
            self.assert_nothing_is_left(name)
            os.rmdir(os.path.join(RECORDS, name))

    def test_full_file_system(self):
        os.mkdir(RECORDS)
        self.mount("-t", "tmpfs", "-o", "size=4k", "tmpfs", RECORDS)
        with open(os.path.join(RECORDS, "other"), "wb") as file:
            file.write(bytes(4096))
        self.assert_nothing_is_left("other")

    def test_file_system_without_files(self):
        os.mkdir(RECORDS)
        self.mount("-t", "tmpfs", "-o", "nr_inodes=1", "tmpfs", RECORDS)
        self.assert_nothing_is_left()


class SeveralCards(LoginTest):
    """Both readers are for logins."""

    SETTINGS = f"[Login]\nLoginCards=atr {ATR}\n"

    def test_which_card_was_used_is_not_known(self):
        add_session("c1", NOBODY)
        self.start(("Desk", ATR), ("Other", ATR))
        self.output_of_pam("auth", "PKCS11_LOGIN_TOKEN_NAME=T", "XDG_SESSION_ID=c1", "open")
        self.assertFalse(os.path.exists(RECORDS))


class NoLoginCards(LoginTest):
    """Without settings no card counts: the password prompt stays."""

    SETTINGS = ""

    def test_no_card_counts(self):
        self.start(("Desk", ATR))
        self.assertEqual(self.output_of_pam("auth", arguments="nowait"), [PASSWORD])


if __name__ == "__main__":
    case.main()
