# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of smartcardctl for fish.

function __smartcardctl_readers
    timeout 2 smartcardctl list 2>/dev/null | cut -f1,5 | tr '\t' '\n' | string match '?*'
end

set -l commands list status show monitor wait alias transmit script reset control attributes \
    report run
set -l with_reader status show wait alias transmit script reset control attributes

complete -c smartcardctl -f
complete -c smartcardctl -l json -d 'Print JSON, for scripts'
complete -c smartcardctl -s h -l help -d 'Show help'

set -l first "not __fish_seen_subcommand_from $commands"
complete -c smartcardctl -n $first -l version -d 'Show the version'
complete -c smartcardctl -n $first -a list -d 'Show the readers, one a line'
complete -c smartcardctl -n $first -a status -d 'Show all that is known of readers'
complete -c smartcardctl -n $first -a show -d 'Show all there is about a reader and its card'
complete -c smartcardctl -n $first -a monitor -d 'Show which cards and readers come and go'
complete -c smartcardctl -n $first -a wait -d 'Wait until a card is there'
complete -c smartcardctl -n $first -a alias -d 'Show the alias of a reader, or give it one'
complete -c smartcardctl -n $first -a transmit -d 'Send commands to the card'
complete -c smartcardctl -n $first -a script -d 'Send the commands in a file to the card'
complete -c smartcardctl -n $first -a reset -d 'Reset the card'
complete -c smartcardctl -n $first -a control -d "Send a control code to the reader's driver"
complete -c smartcardctl -n $first -a attributes -d "Show what the reader's driver knows"
complete -c smartcardctl -n $first -a report -d 'Write a report on versions, readers and cards'
complete -c smartcardctl -n $first -a run -d 'Run a program that reaches cards'

complete -c smartcardctl -n "__fish_seen_subcommand_from $with_reader" -a '(__smartcardctl_readers)'
complete -c smartcardctl -n '__fish_seen_subcommand_from script' -F
complete -c smartcardctl -n '__fish_seen_subcommand_from run' \
    -a '(__fish_complete_subcommand --fcs-skip=2)'
complete -c smartcardctl -n '__fish_seen_subcommand_from transmit script' -l follow \
    -d 'After 61xx and 6Cxx, fetch what the card has'
complete -c smartcardctl -n '__fish_seen_subcommand_from transmit script control' -l raw \
    -d 'Write bytes, not digits'
complete -c smartcardctl -n '__fish_seen_subcommand_from alias' -l remove -d 'Take the alias away'
complete -c smartcardctl -n '__fish_seen_subcommand_from alias' -l serial \
    -d "Follow the reader's serial number, not its port"
complete -c smartcardctl -n '__fish_seen_subcommand_from report' -l serials \
    -d 'Show what identifies this very reader or card'
complete -c smartcardctl -n '__fish_seen_subcommand_from wait' -l removal \
    -d 'Wait until the card is taken out'
complete -c smartcardctl -n '__fish_seen_subcommand_from wait' -x -l timeout \
    -d 'Wait no longer than that (seconds)'
