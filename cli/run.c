/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl run: runs a program with libpcsclite-dbus, with any installed version of
 * pcsc-lite. From 2.1 on, pcsc-lite loads the library that LIBPCSCLITE_DELEGATE names. For older
 * versions, and programs that bring their own copy, LD_LIBRARY_PATH finds the library by its name.
 */

#include <dlfcn.h>
#include <errno.h>
#include <glib/gi18n.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli-config.h"
#include "command.h"
#include "waiting.h"

#define LIBRARY_NAME "libpcsclite-dbus.so.1"

#define PCSC_NO_SERVICE 0x8010001Du

/* Overrides the folder of the installed library. */
#define FOLDER_VARIABLE "SMARTCARDCTL_LIBRARY_DIR"

/* The exit statuses of env(1) and shells. */
#define STATUS_CANNOT_RUN 126
#define STATUS_NOT_FOUND 127

static int
print_run_error(int status, const char *subject, const char *reason)
{
    g_autofree char *message = g_strdup_printf("%s: %s", subject, reason);

    ctl_output_print_error(message);
    return status;
}

static const char *
get_folder(void)
{
    const char *other_folder = g_getenv(FOLDER_VARIABLE);

    if (other_folder)
        return other_folder;
    return access(PCSC_LIBRARY_DIR, F_OK) < 0 && access(CTL_HOST PCSC_LIBRARY_DIR, F_OK) == 0
               ? CTL_HOST PCSC_LIBRARY_DIR
               : PCSC_LIBRARY_DIR;
}

/*
 * Returns the folder for the environment of programs. Where ld.so has a folder for each
 * architecture, a program of another one, such as a 32-bit program, loads the library from its own.
 */
static const char *
get_folder_for_programs(const char *folder)
{
    void *library;

    if (!g_str_equal(folder, PCSC_LIBRARY_DIR))
        return folder;
    library = dlopen(PCSC_LIBRARY_DIR_OF_PROGRAM "/" LIBRARY_NAME, RTLD_LAZY | RTLD_LOCAL);
    if (!library)
        return folder;
    dlclose(library);
    return PCSC_LIBRARY_DIR_OF_PROGRAM;
}

static void
set_environment(const char *folder)
{
    g_autofree char *library = g_build_filename(folder, LIBRARY_NAME, NULL);
    const char *others = g_getenv("LD_LIBRARY_PATH");
    g_autofree char *folders =
        others && *others ? g_strconcat(folder, ":", others, NULL) : g_strdup(folder);

    g_setenv("LD_LIBRARY_PATH", folders, TRUE);
    g_setenv("LIBPCSCLITE_DELEGATE", library, TRUE);
}

/* reason: NULL for none. hint: what to do in a sandbox; NULL for nothing. */
static int
print_missing(const char *problem, const char *reason, const char *hint)
{
    g_autoptr(GString) message = g_string_new(problem);

    if (reason)
        g_string_append_printf(message, ": %s", reason);
    if (hint && access(CTL_SANDBOX_FILE, F_OK) == 0)
        g_string_append_printf(message, " (%s)", hint);
    ctl_output_print_error(message->str);
    return EXIT_FAILURE;
}

/* The functions of the library that tell whether the service can be reached. */
typedef struct {
    long (*establish)(unsigned long, const void *, const void *, long *);
    long (*release)(long);
    const char *(*explain)(long);
} LibraryFunctions;

/* The result is the code of PC/SC. The library blocks until the service replies. */
static void
use_library_in_thread(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    const LibraryFunctions *functions = data;
    long context;
    long code = functions->establish(0, NULL, NULL, &context);

    if (code == 0)
        functions->release(context);
    g_task_return_int(task, code);
}

static long
use_library(LibraryFunctions *functions, CtlOutput *output)
{
    CtlWaiting waiting = {
        .output = output,
        .status = _("Waiting for smartcardd."),
        .delay_ms = CTL_WAITING_DELAY_MS,
        .end = CTL_WAITING_NO_LIMIT,
    };

    ctl_waiting_begin(&waiting);
    g_autoptr(GTask) task = g_task_new(NULL, NULL, ctl_waiting_finish, &waiting);
    g_task_set_task_data(task, functions, NULL);
    g_task_run_in_thread(task, use_library_in_thread);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    return g_task_propagate_int(G_TASK(result), NULL);
}

/* As a program does: so this finds whatever prevents it. */
static int
try_library(void *library, CtlOutput *output)
{
    LibraryFunctions functions = {
        .establish = dlsym(library, "SCardEstablishContext"),
        .release = dlsym(library, "SCardReleaseContext"),
        .explain = dlsym(library, "pcsc_stringify_error"),
    };

    if (!functions.establish || !functions.release || !functions.explain)
        return print_missing(_("cannot load the library"), dlerror(), NULL);
    long code = use_library(&functions, output);
    if ((guint32)code == PCSC_NO_SERVICE && access(CTL_SANDBOX_FILE, F_OK) < 0) {
        ctl_output_print_error(_("cannot reach smartcardd (see 'systemctl status smartcardd')"));
        return EXIT_FAILURE;
    }
    if (code != 0)
        return print_missing(_("cannot reach smartcardd"),
                             (guint32)code == PCSC_NO_SERVICE ? NULL : functions.explain(code),
                             _("with Flatpak, add --system-talk-name=org.smartcardd1"));
    ctl_output_line(output, _("smartcardd can be reached"));
    return EXIT_SUCCESS;
}

/* In a sandbox, the application is not started by this program. */
static int
check_variables(const char *folder, const char *path, CtlOutput *output)
{
    const char *folders = g_getenv("LD_LIBRARY_PATH");
    g_auto(GStrv) list = g_strsplit(folders ? folders : "", ":", -1);
    g_autofree char *delegate = g_strconcat("LIBPCSCLITE_DELEGATE=", path, NULL);
    g_autofree char *search = g_strconcat("LD_LIBRARY_PATH=", folder, ":/app/lib", NULL);
    const char *missing = NULL;

    if (access(CTL_SANDBOX_FILE, F_OK) < 0)
        return EXIT_SUCCESS;
    if (g_strcmp0(g_getenv("LIBPCSCLITE_DELEGATE"), path) != 0)
        missing = delegate;
    else if (!g_strv_contains((const char *const *)list, folder) ||
             (access("/app/lib", F_OK) == 0 &&
              !g_strv_contains((const char *const *)list, "/app/lib")))
        missing = search;
    if (missing)
        return print_missing(_("missing in the environment"), missing, NULL);
    ctl_output_line(output, _("The environment of the sandbox is complete"));
    return EXIT_SUCCESS;
}

/* Uses errno, which says why the library cannot be read. */
static char *
describe_missing_library(const char *path)
{
    const char *reason = g_strerror(errno);

    if (errno != ENOENT || access(CTL_SANDBOX_FILE, F_OK) == 0)
        return g_strdup_printf("%s: %s", path, reason);
    return g_strdup_printf("%s: %s (%s)", path, reason, _("install the package smartcardd-pcsc"));
}

static int
check_library(const char *folder, const char *path, CtlOutput *output)
{
    if (access(path, R_OK) < 0) {
        g_autofree char *reason = describe_missing_library(path);
        return print_missing(_("cannot read the library"), reason,
                             _("with Flatpak, add --filesystem=host-os:ro"));
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return print_missing(_("cannot load the library"), dlerror(), NULL);
    g_autofree char *loaded = g_strdup_printf(_("The library can be loaded: %s"), path);
    ctl_output_line(output, loaded);
    int status = try_library(library, output);
    return status == EXIT_SUCCESS ? check_variables(folder, path, output) : status;
}

static int
run_program(const CtlArguments *arguments, CtlOutput *output)
{
    char **command = (char **)arguments->operands;
    const char *folder = get_folder();
    g_autofree char *library = g_build_filename(folder, LIBRARY_NAME, NULL);

    if (arguments->check)
        return check_library(folder, library, output);
    if (access(library, R_OK) < 0) {
        g_autofree char *problem = describe_missing_library(library);
        ctl_output_print_error(problem);
        return STATUS_CANNOT_RUN;
    }
    set_environment(get_folder_for_programs(folder));
    execvp(command[0], command);
    return print_run_error(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN, command[0],
                           g_strerror(errno));
}

const CtlCommand ctl_command_run = {
    .name = "run",
    .argument = N_("[--] PROGRAM [ARGUMENTS…]"),
    .summary = N_("Run a PC/SC program with smartcardd instead of pcscd"),
    .description =
        N_("The program uses PC/SC, as pcsc_scan, gpg and browsers do, and is not modified:\n"
           "its PC/SC calls go to smartcardd instead of pcscd, and so do those of programs\n"
           "that it starts.\n"
           "\n"
           "The exit status is the program's; 127 if the program does not exist, 126 if it\n"
           "cannot be run."),
    .reader = CTL_READER_NEVER,
    .min_operands = 1,
    .max_operands = G_MAXUINT,
    .options = CTL_OPTION_CHECK,
    .has_program = TRUE,
    .run = run_program,
};
