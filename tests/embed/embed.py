#!/usr/bin/env python3
"""What `cmake --install` gives is enough: examples/embed is built against the installed tree alone,
once through find_package and once through pkg-config, and runs.

usage: embed.py build BUILD_FOLDER PREFIX COMPILER [FLAG...]   installs, builds both ways, runs what needs no root
       embed.py tun PREFIX      runs both builds of tun in a network namespace of their own (root)
Exit status: 0 passed, 1 failed, 77 cannot run here (says why).
"""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..", "examples", "embed")
HELLO = b"hello\n"


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, timeout=600, **more)
    if done.returncode != 0:
        sys.stderr.buffer.write(done.stdout + done.stderr)
        sys.exit(f"embed: {' '.join(command)}: status {done.returncode}")
    return done.stdout


def copy_of_source(to):
    """Away from the repository, so that nothing of it can be found by accident."""
    shutil.copytree(SOURCE, to)
    return to


def ways(prefix):
    return {"find_package": os.path.join(prefix, "with-cmake", "build"),
            "pkg-config": os.path.join(prefix, "with-pkg-config")}


def build_with_cmake(prefix, compiler, flags):
    source = copy_of_source(os.path.join(prefix, "with-cmake"))
    build = ways(prefix)["find_package"]
    run("cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_CXX_FLAGS={' '.join(flags)}")
    run("cmake", "--build", build, "-j", "2")


def build_with_pkg_config(prefix, compiler, flags):
    source = copy_of_source(os.path.join(prefix, "with-pkg-config"))
    found = [os.path.join(prefix, lib, "pkgconfig") for lib in os.listdir(prefix) if lib.startswith("lib")]
    multiarch = os.path.join(prefix, "lib")
    found += [os.path.join(multiarch, d, "pkgconfig") for d in os.listdir(multiarch)]
    path = ":".join(f for f in found if os.path.isdir(f))
    run("make", "-C", source, f"CXX={compiler}", f"CXXFLAGS={' '.join(flags) or '-O1'}",
        f"PKG_CONFIG_PATH={path}")


def build(folder, prefix, compiler, *flags):
    for tool in ("cmake", "ninja", "make", "pkg-config"):
        if shutil.which(tool) is None:
            print(f"SKIPPED: {tool} is missing")
            sys.exit(77)
    prefix = os.path.abspath(prefix)
    shutil.rmtree(prefix, ignore_errors=True)
    run("cmake", "--install", folder, "--prefix", prefix)
    build_with_cmake(prefix, compiler, flags)
    build_with_pkg_config(prefix, compiler, flags)
    for way, where in ways(prefix).items():
        for program, rest in (("core", b"left: 0 connections\n"), ("memory", b"")):
            said = run(os.path.join(where, program))
            if said != HELLO + rest:
                sys.exit(f"embed: {program}, built with {way}, said {said!r}")
            print(f"{program}, built with {way}: {said.decode().strip()}")


def tun(prefix):
    sys.path.insert(0, os.path.join(HERE, "..", "interop"))
    import socket

    from lab import Lab, eventually, interfaces, need_root_and

    prefix = os.path.abspath(prefix)
    need_root_and("ip")
    with Lab():
        for way, where in ways(prefix).items():
            program = os.path.join(where, "tun")
            if not os.path.exists(program):
                print("SKIPPED: built without Boost (RAPPORT_APP=OFF)")
                sys.exit(77)
            with subprocess.Popen([program]) as server:
                try:
                    client = eventually("a connection", lambda: try_to_connect(socket), 10)
                    said = b"".join(iter(lambda: client.recv(100), b""))
                    client.close()
                    status = server.wait(10)
                finally:
                    server.kill()
            if said != HELLO or status != 0 or "embed0" in interfaces():
                sys.exit(f"embed: tun, built with {way}, said {said!r} and ended with {status}")
            print(f"tun, built with {way}: {said.decode().strip()}")


def try_to_connect(socket):
    try:
        return socket.create_connection(("10.79.0.2", 7), 1)
    except OSError:
        return None


if __name__ == "__main__":
    {"build": build, "tun": tun}[sys.argv[1]](*sys.argv[2:])
