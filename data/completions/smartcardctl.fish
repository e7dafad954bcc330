# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of smartcardctl for fish.

# Names, aliases and USB ports of readers. "-" stands for none. A port that several readers share is
# completed as the path, which has the interface or the slot.
function __smartcardctl_readers
    timeout 2 smartcardctl list 2>/dev/null | awk -F '\t' '{
        print $1; print $5
        path[NR] = port[NR] = $6
        sub(/:[0-9]+\.[0-9]+/, "", port[NR])
        number[port[NR]]++
    }
    END { for (i = 1; i <= NR; i++) print number[port[i]] == 1 ? port[i] : path[i] }' | string match -v -- -
end

# Whether the next operand is a reader: the first one, and all of monitor. Values of options are no
# operands.
function __smartcardctl_needs_reader
    set -l with_value --timeout --atr --card --not --count --exec --protocol
    set -l operands 0
    set -l is_value 0
    for word in (commandline -opc)[2..]
        if test $is_value = 1
            set is_value 0
        else if string match -q -r -- '^(-H|--host)' $word
            return 1 # the readers of another machine are not known
        else if string match -q -- '-*' $word
            contains -- $word $with_value; and set is_value 1
        else
            set operands (math $operands + 1)
        end
    end
    __fish_seen_subcommand_from monitor; or test $operands = 1
end

set -l commands list status show monitor wait alias transmit script reset hold verify-pin modify-pin control attributes \
    who report run
set -l with_reader monitor status show wait alias transmit script reset hold verify-pin modify-pin control attributes
set -l with_timeout list status show monitor wait alias transmit script reset hold verify-pin modify-pin control \
    attributes who report

complete -c smartcardctl -f
complete -c smartcardctl -l json -d 'Print JSON, for scripts'
complete -c smartcardctl -s h -l help -d 'Show help'

complete -c smartcardctl -n 'not __fish_seen_subcommand_from run' -x -s H -l host \
    -a '(__fish_print_hostnames)' -d 'Use the readers of another machine'
complete -c smartcardctl -n 'not __fish_seen_subcommand_from run' -l no-ask-password \
    -d 'Do not ask for a password'

set -l first "not __fish_seen_subcommand_from $commands"
complete -c smartcardctl -n $first -l version -d 'Show the version'
complete -c smartcardctl -n $first -a list -d 'List the readers, one per line'
complete -c smartcardctl -n $first -a status -d 'Show the known details of readers'
complete -c smartcardctl -n $first -a show -d 'Show all details of a reader and its card'
complete -c smartcardctl -n $first -a monitor -d 'Show readers and cards as they come and go'
complete -c smartcardctl -n $first -a wait -d 'Wait until a card is present'
complete -c smartcardctl -n $first -a alias -d 'Show or set the alias of a reader'
complete -c smartcardctl -n $first -a transmit -d 'Send commands to the card'
complete -c smartcardctl -n $first -a script -d 'Send the commands in a file to the card'
complete -c smartcardctl -n $first -a reset -d 'Reset the card'
complete -c smartcardctl -n $first -a verify-pin -d "Let the user enter a PIN at the reader"
complete -c smartcardctl -n $first -a modify-pin -d "Let the user change a PIN at the reader"
complete -c smartcardctl -n $first -a hold -d 'Keep the card powered and in its state'
complete -c smartcardctl -n $first -a control -d "Send a control code to the reader's driver"
complete -c smartcardctl -n $first -a attributes -d "Show the attributes that the driver reports"
complete -c smartcardctl -n $first -a who -d 'Show which programs use smart cards'
complete -c smartcardctl -n $first -a report -d 'Write a report on versions, readers and cards'
complete -c smartcardctl -n $first -a run -d 'Run a PC/SC program with smartcardd'

complete -c smartcardctl -a '(__smartcardctl_readers)' \
    -n "__fish_seen_subcommand_from $with_reader; and __smartcardctl_needs_reader"
complete -c smartcardctl -n '__fish_seen_subcommand_from script' -F
complete -c smartcardctl -n '__fish_seen_subcommand_from run' \
    -a '(__fish_complete_subcommand --fcs-skip=2)'
complete -c smartcardctl -n '__fish_seen_subcommand_from transmit script' -l follow \
    -d 'Get the full response after 61xx and 6Cxx'
complete -c smartcardctl -n '__fish_seen_subcommand_from transmit script' -l raw-command \
    -d 'Allow commands of fewer than 4 bytes'
complete -c smartcardctl -n '__fish_seen_subcommand_from transmit script verify-pin modify-pin control' \
    -l raw \
    -d 'Write bytes, not hexadecimal digits'
complete -c smartcardctl -n '__fish_seen_subcommand_from alias' -l remove -d 'Remove the alias'
complete -c smartcardctl -n '__fish_seen_subcommand_from alias' -l serial \
    -d "Bind the alias to the serial number, not to the port"
complete -c smartcardctl -n '__fish_seen_subcommand_from report' -l serials \
    -d 'Include serial numbers and other identifying data'
complete -c smartcardctl -n '__fish_seen_subcommand_from run' -l check \
    -d 'Check that programs can use smartcardd'
complete -c smartcardctl -n '__fish_seen_subcommand_from status' -l verbose \
    -d 'Explain each byte of the ATR'
complete -c smartcardctl -n '__fish_seen_subcommand_from wait' -l removal \
    -d 'Wait until the card is removed'
complete -c smartcardctl -n '__fish_seen_subcommand_from wait' -l new \
    -d 'Ignore cards that are present already'
complete -c smartcardctl -n '__fish_seen_subcommand_from wait' -l mute \
    -d 'Accept cards that do not answer'
complete -c smartcardctl -n '__fish_seen_subcommand_from wait' -x -l atr \
    -d 'Accept only cards with this ATR'
complete -c smartcardctl -n '__fish_seen_subcommand_from wait' -x -l card \
    -d 'Accept only the card with this object path'
complete -c smartcardctl -n '__fish_seen_subcommand_from wait' -x -l not \
    -a '(__smartcardctl_readers)' -d 'Ignore this reader'
complete -c smartcardctl -n '__fish_seen_subcommand_from wait monitor' -x -l count \
    -d 'Stop after this number of them'
complete -c smartcardctl -n '__fish_seen_subcommand_from monitor' -x -l exec \
    -d 'Run this for each event'
complete -c smartcardctl -n '__fish_seen_subcommand_from reset' -l cold \
    -d 'Take the power from the card'
complete -c smartcardctl -n '__fish_seen_subcommand_from transmit script hold' -x -l protocol \
    -a 'T=0 T=1 raw' -d 'Use this protocol'
complete -c smartcardctl -n "__fish_seen_subcommand_from $with_timeout" -x -l timeout \
    -d 'Stop after this time (seconds)'
