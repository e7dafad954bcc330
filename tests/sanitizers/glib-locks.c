/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tells the thread sanitizer what GLib synchronizes. GLib is not built with the sanitizer, and its
 * locks are none of pthread, so the sanitizer would report all data that they protect. To be
 * preloaded: these functions replace those of GLib, call them, and announce what happens before
 * what.
 */

#include <dlfcn.h>
#include <gio/gio.h>

/*
 * Functions of the sanitizer: what a thread does before it releases an address happens before what
 * another thread does after it has acquired that address.
 */
void __tsan_acquire(gpointer address);
void __tsan_release(gpointer address);

/* Defines a variable "real", the function of GLib that the calling one replaces. */
#define FIND_REAL(function)            \
    static __typeof__(&function) real; \
    if (!real)                         \
    real = (__typeof__(real))dlsym(RTLD_NEXT, #function)

void
g_mutex_lock(GMutex *mutex)
{
    FIND_REAL(g_mutex_lock);
    real(mutex);
    __tsan_acquire(mutex);
}

gboolean
g_mutex_trylock(GMutex *mutex)
{
    FIND_REAL(g_mutex_trylock);
    gboolean locked = real(mutex);

    if (locked)
        __tsan_acquire(mutex);
    return locked;
}

void
g_mutex_unlock(GMutex *mutex)
{
    FIND_REAL(g_mutex_unlock);
    __tsan_release(mutex);
    real(mutex);
}

void
g_cond_wait(GCond *cond, GMutex *mutex)
{
    FIND_REAL(g_cond_wait);
    __tsan_release(mutex);
    real(cond, mutex);
    __tsan_acquire(mutex);
}

gboolean
g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    FIND_REAL(g_cond_wait_until);
    __tsan_release(mutex);
    gboolean signalled = real(cond, mutex, end_time);
    __tsan_acquire(mutex);
    return signalled;
}

/* All uses of an object happen before the call that releases the last reference. */
#define REPLACE_UNREF(function, Type) \
    void function(Type *object)       \
    {                                 \
        FIND_REAL(function);          \
        __tsan_release(object);       \
        __tsan_acquire(object);       \
        real(object);                 \
    }

REPLACE_UNREF(g_object_unref, void)
REPLACE_UNREF(g_bytes_unref, GBytes)
REPLACE_UNREF(g_variant_unref, GVariant)
REPLACE_UNREF(g_main_context_unref, GMainContext)
REPLACE_UNREF(g_source_unref, GSource)
REPLACE_UNREF(g_hash_table_unref, GHashTable)
REPLACE_UNREF(g_closure_unref, GClosure)

gboolean
g_atomic_ref_count_dec(gatomicrefcount *count)
{
    FIND_REAL(g_atomic_ref_count_dec);
    __tsan_release(count);
    gboolean last = real(count);

    if (last)
        __tsan_acquire(count);
    return last;
}

/* The function that clears the data which this thread is releasing. */
static __thread GDestroyNotify clear_func;

static void
clear_data(gpointer data)
{
    GDestroyNotify func = clear_func;

    __tsan_acquire(data);
    if (func)
        func(data);
}

void
g_atomic_rc_box_release_full(gpointer data, GDestroyNotify func)
{
    FIND_REAL(g_atomic_rc_box_release_full);
    GDestroyNotify outer = clear_func;

    __tsan_release(data);
    clear_func = func;
    real(data, clear_data);
    clear_func = outer;
}

void
g_atomic_rc_box_release(gpointer data)
{
    g_atomic_rc_box_release_full(data, NULL);
}

/* The callback of a source that another thread may have attached. */
typedef struct {
    GSourceFunc func;
    gpointer data;
    GDestroyNotify destroy;
} SourceCallback;

static gboolean
call_back(gpointer data)
{
    SourceCallback *callback = data;

    __tsan_acquire(callback);
    return callback->func(callback->data);
}

static void
free_callback(gpointer data)
{
    SourceCallback *callback = data;

    __tsan_acquire(callback);
    if (callback->destroy)
        callback->destroy(callback->data);
    g_free(callback);
}

/* Callbacks of other sources are of other types, and stay in the thread that sets them. */
void
g_source_set_callback(GSource *source, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
    FIND_REAL(g_source_set_callback);

    if (source->source_funcs != &g_idle_funcs && source->source_funcs != &g_timeout_funcs) {
        real(source, func, data, destroy);
        return;
    }
    SourceCallback *callback = g_new(SourceCallback, 1);
    *callback = (SourceCallback){func, data, destroy};
    __tsan_release(callback);
    real(source, call_back, callback, free_callback);
}
