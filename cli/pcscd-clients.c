/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcscd-clients.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/pcscd/pcscd.comm"
#define SOCKET_LINK "socket:["

static const char *
get_pcscd_socket(void)
{
    const char *path = g_getenv("PCSCLITE_CSOCK_NAME");

    return path ? path : DEFAULT_SOCKET;
}

/* Requests all connected sockets of the family AF_UNIX, with their names and peers. */
static gboolean
request_sockets(int fd)
{
    struct {
        struct nlmsghdr header;
        struct unix_diag_req body;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = AF_UNIX,
                 .udiag_states = 1 << TCP_ESTABLISHED,
                 .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER},
    };

    return send(fd, &request, sizeof request, 0) == (ssize_t)sizeof request;
}

/* The accepted socket has the name of the socket that listens. Its peer is the client's. */
static void
add_peer(const struct nlmsghdr *message, const char *path, GHashTable *peers)
{
    const struct unix_diag_msg *body = NLMSG_DATA(message);
    const char *at = (const char *)(body + 1), *end = (const char *)message + message->nlmsg_len;
    gboolean is_pcscd = FALSE;
    guint32 peer = 0;

    while (end - at >= NLA_HDRLEN) {
        struct nlattr attribute;
        memcpy(&attribute, at, sizeof attribute);
        if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > end - at)
            break;
        const char *value = at + NLA_HDRLEN;
        gsize length = attribute.nla_len - (gsize)NLA_HDRLEN;
        if (attribute.nla_type == UNIX_DIAG_NAME)
            is_pcscd =
                strnlen(value, length) == strlen(path) && memcmp(value, path, strlen(path)) == 0;
        else if (attribute.nla_type == UNIX_DIAG_PEER && length >= sizeof peer)
            memcpy(&peer, value, sizeof peer);
        at += MIN(NLA_ALIGN(attribute.nla_len), end - at);
    }
    if (is_pcscd && peer != 0)
        g_hash_table_add(peers, GUINT_TO_POINTER(peer));
}

/* Returns FALSE after an error, and sets *done at the end of the list. */
static gboolean
read_messages(int fd, const char *path, GHashTable *peers, gboolean *done)
{
    static union {
        struct nlmsghdr header;
        char bytes[32768];
    } buffer;
    ssize_t n = recv(fd, &buffer, sizeof buffer, 0);
    guint left = n > 0 ? (guint)n : 0;

    for (struct nlmsghdr *at = &buffer.header; NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
        if (at->nlmsg_type == NLMSG_DONE)
            *done = TRUE;
        else if (at->nlmsg_type == NLMSG_ERROR)
            return FALSE;
        else if (at->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
            add_peer(at, path, peers);
    }
    return n > 0;
}

/* Returns the inodes of the sockets that are connected to pcscd, NULL after an error. */
static GHashTable *
list_peers(void)
{
    g_autoptr(GHashTable) peers = g_hash_table_new(NULL, NULL);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    gboolean done = FALSE;
    gboolean read = fd >= 0 && request_sockets(fd);

    while (read && !done)
        read = read_messages(fd, get_pcscd_socket(), peers, &done);
    if (fd >= 0)
        close(fd);
    return read ? g_steal_pointer(&peers) : NULL;
}

char *
ctl_pcscd_clients_dup_program(guint pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%u/comm", pid);
    char *name = NULL;

    return g_file_get_contents(path, &name, NULL, NULL) ? g_strchomp(name) : g_strdup("");
}

/* Removes the sockets of the process from peers, and returns their number. */
static guint
take_sockets(const char *folder, GHashTable *peers)
{
    g_autofree char *descriptors = g_build_filename(folder, "fd", NULL);
    g_autoptr(GDir) dir = g_dir_open(descriptors, 0, NULL);
    guint count = 0;

    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *link = g_build_filename(descriptors, name, NULL);
        g_autofree char *target = g_file_read_link(link, NULL);
        if (!target || !g_str_has_prefix(target, SOCKET_LINK))
            continue;
        guint64 inode = g_ascii_strtoull(target + strlen(SOCKET_LINK), NULL, 10);
        count += g_hash_table_remove(peers, GUINT_TO_POINTER((guint)inode)) ? 1 : 0;
    }
    return count;
}

static void
examine_process(CtlPcscdClients *clients, const char *name, guint service, GHashTable *peers)
{
    g_autofree char *folder = g_build_filename("/proc", name, NULL);
    guint count = take_sockets(folder, peers);
    guint pid = (guint)g_ascii_strtoull(name, NULL, 10);
    struct stat status;

    if (count == 0 || pid == service || stat(folder, &status) < 0)
        return;
    CtlPcscdClient client = {.pid = pid,
                             .uid = status.st_uid,
                             .connections = count,
                             .program = ctl_pcscd_clients_dup_program(pid)};
    g_array_append_val(clients->clients, client);
}

static int
compare_pids(gconstpointer a, gconstpointer b)
{
    const CtlPcscdClient *one = a, *other = b;

    return one->pid < other->pid ? -1 : one->pid > other->pid;
}

static void
clear_client(gpointer data)
{
    CtlPcscdClient *client = data;

    g_free(client->program);
}

CtlPcscdClients *
ctl_pcscd_clients_load(guint service)
{
    g_autoptr(GHashTable) peers = list_peers();
    g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);

    if (!peers)
        return NULL;
    CtlPcscdClients *clients = g_new0(CtlPcscdClients, 1);
    clients->clients = g_array_new(FALSE, FALSE, sizeof(CtlPcscdClient));
    g_array_set_clear_func(clients->clients, clear_client);
    for (const char *name; proc && (name = g_dir_read_name(proc));) {
        if (g_ascii_isdigit(*name))
            examine_process(clients, name, service, peers);
    }
    g_array_sort(clients->clients, compare_pids);
    clients->hidden = g_hash_table_size(peers);
    return clients;
}

void
ctl_pcscd_clients_free(CtlPcscdClients *clients)
{
    g_array_unref(clients->clients);
    g_free(clients);
}
