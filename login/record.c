/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than the longest object path, ATR and label together. */
#define FILE_MAX 4096
#define VALUE_MAX 512
#define NAME_MAX_LENGTH 64

LgnRecord *
lgn_record_new(const LgnReader *reader)
{
    LgnRecord *record = calloc(1, sizeof *record);

    if (!record)
        return NULL;
    record->reader = strdup(reader->path);
    record->port = strdup(reader->port);
    record->atr = strdup(reader->atr);
    if (record->reader && record->port && record->atr)
        return record;
    lgn_record_free(record);
    return NULL;
}

void
lgn_record_free(LgnRecord *record)
{
    if (!record)
        return;
    free(record->reader);
    free(record->port);
    free(record->atr);
    free(record);
}

bool
lgn_record_is_session_name(const char *session)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = strspn(session, letters);

    return length > 0 && length <= NAME_MAX_LENGTH && session[length] == '\0';
}

/*
 * Opens the folder; creates it first if asked to, for all to read, whatever the umask of the
 * program is. Returns a negative errno on failure.
 */
static int
open_folder(bool create)
{
    bool is_new = create && mkdir(LGN_RECORD_FOLDER, 0755) == 0;

    if (create && !is_new && errno != EEXIST)
        return -errno;
    int folder = open(LGN_RECORD_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    if (is_new && fchmod(folder, 0755) < 0) {
        int r = -errno;
        close(folder);
        return r;
    }
    return folder;
}

/* A label is any text of a token: a control character must not look like another line. */
static void
print_value(FILE *file, const char *key, const char *value)
{
    fprintf(file, "%s=", key);
    for (const char *at = value; *at && at - value < VALUE_MAX; at++)
        fputc((unsigned char)*at < ' ' || *at == 0x7F ? ' ' : *at, file);
    fputc('\n', file);
}

static int
write_record(int fd, const LgnRecord *record, const char *label)
{
    FILE *file = fdopen(fd, "w");

    if (!file) {
        int r = -errno;
        close(fd);
        return r;
    }
    print_value(file, "Reader", record->reader);
    print_value(file, "Port", record->port);
    print_value(file, "Atr", record->atr);
    print_value(file, "Label", label ? label : "");
    bool failed = ferror(file);
    return fclose(file) < 0 || failed ? -EIO : 0;
}

static int
save_in_folder(int folder, const LgnRecord *record, const char *label, const char *session)
{
    char temporary[NAME_MAX_LENGTH + sizeof ".new"];

    snprintf(temporary, sizeof temporary, "%s.new", session);
    if (unlinkat(folder, temporary, 0) < 0 && errno != ENOENT)
        return -errno;
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    int r = fchmod(fd, 0644) < 0 ? -errno : 0;
    if (r < 0)
        close(fd);
    else
        r = write_record(fd, record, label);
    if (r >= 0 && renameat(folder, temporary, folder, session) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(folder, temporary, 0);
    return r;
}

int
lgn_record_save(const LgnRecord *record, const char *label, const char *session)
{
    if (!lgn_record_is_session_name(session))
        return -EINVAL;
    int folder = open_folder(true);
    if (folder < 0)
        return folder;
    int r = save_in_folder(folder, record, label, session);
    close(folder);
    return r;
}

/* Returns a copy of the value of a line "KEY=VALUE"; NULL if there is no such line. */
static char *
find_value(const char *text, const char *key)
{
    size_t length = strlen(key);

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, key, length) == 0 && line[length] == '=')
            return strndup(line + length + 1, strcspn(line + length + 1, "\n"));
    return NULL;
}

static int
parse_record(LgnRecord **record, const char *text)
{
    LgnRecord *parsed = calloc(1, sizeof *parsed);

    if (!parsed)
        return -ENOMEM;
    parsed->reader = find_value(text, "Reader");
    parsed->port = find_value(text, "Port");
    parsed->atr = find_value(text, "Atr");
    if (parsed->reader && parsed->port && parsed->atr) {
        *record = parsed;
        return 0;
    }
    lgn_record_free(parsed);
    return -EBADMSG;
}

static int
read_record(LgnRecord **record, int fd)
{
    char text[FILE_MAX + 1];
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_uid != 0)
        return -EBADMSG;
    ssize_t length = read(fd, text, FILE_MAX);
    if (length < 0)
        return -errno;
    text[length] = '\0';
    return parse_record(record, text);
}

int
lgn_record_load(LgnRecord **record, const char *session)
{
    *record = NULL;
    if (!lgn_record_is_session_name(session))
        return -EINVAL;
    int folder = open_folder(false);
    if (folder < 0)
        return folder;
    int fd = openat(folder, session, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int r = fd < 0 ? -errno : read_record(record, fd);
    if (fd >= 0)
        close(fd);
    close(folder);
    return r;
}

int
lgn_record_remove(const char *session)
{
    if (!lgn_record_is_session_name(session))
        return -EINVAL;
    int folder = open_folder(false);
    if (folder < 0)
        return folder;
    int r = unlinkat(folder, session, 0) < 0 ? -errno : 0;
    close(folder);
    return r;
}
