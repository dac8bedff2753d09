# bash completion for sipalgctl                            -*- shell-script -*-

# Call-IDs of the calls in progress; none without a daemon, or without permission.
_sipalgctl_call_ids()
{
    sipalgctl ${control:+--control "$control"} calls 2>/dev/null | awk 'NR > 1 {print $NF}'
}

_sipalgctl()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local commands="status calls call pinholes bindings flows counters limits metrics doctor close reload watch record
        explain help"
    local command="" control="" options="--control --help --version" words="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --control) control=${COMP_WORDS[++i]} ;;
            --call | --phone | --peer | --config | --seconds | --hep | --inside | --outside | --html) i=$((i + 1)) ;;
            -*) ;;
            *)
                command=${COMP_WORDS[i]}
                break
                ;;
        esac
    done
    case $previous in
        --control | --html | --config)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        --call)
            [[ $command == doctor ]] || mapfile -t COMPREPLY < <(compgen -W "$(_sipalgctl_call_ids)" -- "$current")
            return
            ;;
        --phone | --peer | --seconds | --hep | --inside | --outside) return ;;
    esac
    case $command in
        "") options="$options --json" words=$commands ;;
        status | counters | reload) options="$options --json" ;;
        doctor) options="$options --json --call --phone --peer --tcp --config" ;;
        calls) options="$options --json --ended --wide --call --phone" ;;
        pinholes) options="$options --json --wide --call --phone" ;;
        bindings | flows) options="$options --json --wide --phone" ;;
        metrics) options="$options --prometheus" ;;
        limits) options="$options --json --wide" ;;
        call) options="$options --json --wide" words=$(_sipalgctl_call_ids) ;;
        close) options="$options --json --all" words=$(_sipalgctl_call_ids) ;;
        watch) options="$options --json --lines --call --phone --seconds" ;;
        record) options="$options --call --phone --seconds --hep --with-credentials" ;;
        explain) options="$options --json --inside --outside --html" ;;
        help) words=$commands ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    elif [[ $command == record || $command == explain ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    fi
}

complete -F _sipalgctl sipalgctl
