/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Part of smartcardctl in a build that counts coverage. A program writes its counts at its end;
 * with this also when a signal other than SIGKILL ends it, or _exit(). The linker replaces its
 * calls of signal() and _exit() by those of the functions with __wrap.
 *
 * To write the counts is not safe in every signal handler, but the program waits in poll() when a
 * test ends it by a signal that it does not handle.
 */

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

extern void __gcov_dump(void);
extern sighandler_t __real_signal(int number, sighandler_t handler);
extern void __real__exit(int status) __attribute__((noreturn));

sighandler_t __wrap_signal(int number, sighandler_t handler);
void __wrap__exit(int status) __attribute__((noreturn));

static void
write_counts_and_end(int number)
{
    __gcov_dump();
    __real_signal(number, SIG_DFL);
    raise(number);
}

sighandler_t
__wrap_signal(int number, sighandler_t handler)
{
    return __real_signal(number, handler == SIG_DFL ? write_counts_and_end : handler);
}

void
__wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}

static __attribute__((constructor)) void
handle_signals(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGPIPE, SIGTERM};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (__real_signal(numbers[i], write_counts_and_end) == SIG_IGN)
            __real_signal(numbers[i], SIG_IGN);
}
