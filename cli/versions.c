/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "versions.h"

#include <string.h>
#include <sys/utsname.h>

#include "cli-config.h"
#include "text.h"

static char *
read_kernel_version(void)
{
    struct utsname names;

    if (uname(&names) < 0)
        return NULL;
    return g_strdup_printf("%s %s %s", names.sysname, names.release, names.machine);
}

/* /usr/sbin is not in the PATH of most users. */
static char *
find_pcscd(void)
{
    static const char usual[] = "/usr/sbin/pcscd";

    return g_file_test(usual, G_FILE_TEST_IS_EXECUTABLE) ? g_strdup(usual)
                                                         : g_find_program_in_path("pcscd");
}

/* The output of pcscd --version begins with "pcsc-lite version 1.9.9." */
static char *
read_pcscd_version(void)
{
    static const char before[] = "version ";
    g_autofree char *program = find_pcscd();
    char *arguments[] = {program, (char *)"--version", NULL};
    g_autofree char *text = NULL;

    if (!program || !g_spawn_sync(NULL, arguments, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                                  &text, NULL, NULL, NULL))
        return NULL;
    const char *version = strstr(text, before);
    if (!version)
        return NULL;
    version += strlen(before);
    gsize length = strspn(version, "0123456789.");
    while (length > 0 && version[length - 1] == '.')
        length--;
    return length > 0 ? g_strndup(version, length) : NULL;
}

/* Reads Info.plist, a list of keys and values in XML. */
static char *
read_driver_version(const char *bundle)
{
    g_autofree char *path = g_build_filename(DRIVERS, bundle, "Contents", "Info.plist", NULL);
    g_autoptr(GRegex) pattern = g_regex_new(
        "<key>CFBundleShortVersionString</key>\\s*<string>([^<]*)</string>", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL) || !g_utf8_validate(text, -1, NULL) ||
        !g_regex_match(pattern, text, 0, &match))
        return NULL;
    return g_match_info_fetch(match, 1);
}

static void
add_version(GArray *versions, const char *name, char *text)
{
    CtlVersion version = {ctl_text_escape(name, FALSE), text ? ctl_text_escape(text, FALSE) : NULL};

    g_array_append_val(versions, version);
    g_free(text);
}

static void
clear_version(gpointer data)
{
    CtlVersion *version = data;

    g_free(version->name);
    g_free(version->version);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

static void
add_drivers(GArray *versions)
{
    g_autoptr(GPtrArray) bundles = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) folder = g_dir_open(DRIVERS, 0, NULL);
    const char *entry;

    while (folder && (entry = g_dir_read_name(folder))) {
        if (g_str_has_suffix(entry, ".bundle"))
            g_ptr_array_add(bundles, g_strdup(entry));
    }
    g_ptr_array_sort(bundles, compare_names);
    for (guint i = 0; i < bundles->len; i++)
        add_version(versions, bundles->pdata[i], read_driver_version(bundles->pdata[i]));
}

GArray *
ctl_versions_read(const char *service, gboolean remote)
{
    GArray *versions = g_array_new(FALSE, FALSE, sizeof(CtlVersion));

    g_array_set_clear_func(versions, clear_version);
    add_version(versions, "smartcardctl", g_strdup(PROJECT_VERSION));
    add_version(versions, "smartcardd", g_strdup(service));
    add_version(versions, "libpcsclite", remote ? NULL : g_strdup(PCSCLITE_VERSION));
    add_version(versions, "pcscd", remote ? NULL : read_pcscd_version());
    if (!remote)
        add_drivers(versions);
    add_version(versions, "kernel", remote ? NULL : read_kernel_version());
    add_version(versions, "distribution", remote ? NULL : g_get_os_info(G_OS_INFO_KEY_PRETTY_NAME));
    return versions;
}
