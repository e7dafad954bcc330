# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of smartcardctl for bash.

# Names, aliases and USB ports of readers. "-" stands for none. A port that several readers share is
# completed as the path, which has the interface or the slot.
_smartcardctl_list() {
    timeout 2 smartcardctl list 2>/dev/null | awk -F '\t' '{
        print $1; print $5
        path[NR] = port[NR] = $6
        sub(/:[0-9]+\.[0-9]+/, "", port[NR])
        number[port[NR]]++
    }
    END { for (i = 1; i <= NR; i++) print number[port[i]] == 1 ? port[i] : path[i] }' | grep -vxe -
}

# Values of an option. "=" is a word of its own, also that of "T=0".
_smartcardctl_values() {
    local current=$2 before=${COMP_WORDS[COMP_CWORD - 1]} protocols='T=0 T=1 raw'
    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
    [[ $before == T ]] && protocols='0 1'
    [[ $current == = ]] && current=
    case $1 in
    --not) _smartcardctl_readers "$current" ;;
    --protocol) mapfile -t COMPREPLY < <(compgen -W "$protocols" -- "$current") ;;
    --host | -H) mapfile -t COMPREPLY < <(compgen -A hostname -- "$current") ;;
    esac
}

# Those that go on from what was typed, quotes and all.
_smartcardctl_readers() {
    local typed=${1//[\\\"\']/} name
    while read -r name; do
        [[ $name && $name == "$typed"* ]] && COMPREPLY+=("$name")
    done < <(_smartcardctl_list)
    compopt -o filenames # names have spaces: let bash quote them
}

_smartcardctl() {
    local word option command= current=${COMP_WORDS[COMP_CWORD]}
    local commands='list status show monitor wait alias transmit script reset'
    commands+=' hold verify-pin modify-pin control attributes who report run'
    local options='--json --help'
    COMPREPLY=()

    local -i operands=0 is_value=0 is_remote=0
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if ((is_value)); then
            [[ $word == = || $option$word == --protocolT ]] || is_value=0
            continue
        fi
        case $word in
        --host | -H) option=$word is_value=1 is_remote=1 ;;
        --timeout | --atr | --card | --not | --count | --exec | --protocol)
            option=$word is_value=1
            ;;
        -*) ;;
        *)
            if [[ $command ]]; then
                operands+=1
            else
                command=$word
            fi
            ;;
        esac
    done
    [[ $command == run ]] || options+=' --host= --no-ask-password'
    case $command in
    '') options+=' --version' ;;
    alias) options+=' --remove --serial --timeout=' ;;
    status) options+=' --verbose --timeout=' ;;
    report) options+=' --serials --timeout=' ;;
    transmit | script) options+=' --follow --protocol= --raw --raw-command --timeout=' ;;
    control | verify-pin | modify-pin) options+=' --raw --timeout=' ;;
    wait) options+=' --new --removal --atr= --card= --not= --mute --count= --timeout=' ;;
    monitor) options+=' --count= --exec= --timeout=' ;;
    run) options+=' --check' ;;
    reset) options+=' --cold --timeout=' ;;
    hold) options+=' --protocol= --timeout=' ;;
    list | show | attributes | who) options+=' --timeout=' ;;
    esac

    if ((is_value)); then
        _smartcardctl_values "$option" "$current"
        return 0
    fi
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
        return 0
    fi
    # The readers of another machine are not known here.
    if ((is_remote)) && [[ $command && $command != script ]]; then
        return 0
    fi
    case $command in
    '') mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current") ;;
    status | show | wait | alias | transmit | reset | hold | control | verify-pin | modify-pin | attributes)
        ((operands == 0)) && _smartcardctl_readers "$current"
        ;;
    monitor) _smartcardctl_readers "$current" ;;
    script)
        ((operands == 0)) && _smartcardctl_readers "$current"
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
        compopt -o filenames
        ;;
    run)
        mapfile -t COMPREPLY < <(compgen -A "$( ((operands)) && echo file || echo command)" \
            -- "$current")
        ;;
    esac
    return 0
}

complete -F _smartcardctl smartcardctl
