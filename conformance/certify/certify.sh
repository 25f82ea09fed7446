#!/bin/sh
# bazel run //:certify -- [OPTIONS], on the ROM that was built. Folders are relative to where bazel was called.
set -eu
rom=$PWD/rom/vmi-xen.elf
tool=$PWD/conformance/certify/vmirom
cd "${BUILD_WORKING_DIRECTORY:-.}"
exec "$tool" certify --rom "$rom" "$@"
