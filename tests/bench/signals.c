/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "signals.h"

#include "measure.h"

void
send_signals(sd_bus *bus, const char *last)
{
    static const int sizes[] = {330, 150, 40};
    static const char filler[330];

    for (int i = 0; i < 3; i++) {
        sd_bus_message *message = NULL;
        check(sd_bus_message_new_signal(bus, &message, "/bench", "org.smartcardd1.Reader",
                                        i < 2 ? "Filler" : last) >= 0 &&
                  sd_bus_message_append_array(message, 'y', filler, (size_t)sizes[i]) >= 0 &&
                  sd_bus_send(bus, message, NULL) >= 0,
              "signal");
        sd_bus_message_unref(message);
    }
    check(sd_bus_flush(bus) >= 0, "flush");
}
