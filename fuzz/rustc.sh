#!/bin/sh
# RUSTC_WRAPPER of the fuzz build: instruments this project and the parsers that
# it hands raw input to, and leaves the coverage pass off all other packages.
#
# Instrumenting the engine, TLS and the database takes many minutes and shows the
# fuzzer nothing: the targets do not run them.
rustc=$1
shift

case " $* " in
*/registry/src/*)
    case " $* " in
    *" --crate-name serde_json "* | *" --crate-name toml"* | \
        *" --crate-name winnow "* | *" --crate-name quick_xml "* | \
        *" --crate-name csv_core "* | *" --crate-name csv "*) ;;
    *)
        for argument; do
            shift
            case $argument in
            -Cpasses=sancov-module | -Cllvm-args=-sanitizer-coverage-*) ;;
            *) set -- "$@" "$argument" ;;
            esac
        done
        ;;
    esac
    ;;
esac
exec "$rustc" "$@"
