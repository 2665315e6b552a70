#!/usr/bin/env python3
"""What `cmake --install` gives is enough: examples/embed is built against the installed tree alone,
once through find_package and once through pkg-config, both where there is no fmt, and runs. And
examples/embed/part has Rapport as a part of its own build.

usage: embed.py build BUILD_FOLDER PREFIX COMPILER [FLAG...]   installs, builds both ways, runs what needs no root
       embed.py part FOLDER COMPILER [FLAG...]                 builds examples/embed/part there, and runs it
       embed.py tun PREFIX      runs both builds of tun in a network namespace of their own (root)
Exit status: 0 passed, 1 failed, 77 cannot run here (says why).
"""

import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
SOURCE = os.path.join(ROOT, "examples", "embed")
HELLO = b"hello\n"


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, timeout=1100, **more)
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
        f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_CXX_FLAGS={' '.join(flags)}",
        "-DCMAKE_DISABLE_FIND_PACKAGE_fmt=ON")
    run("cmake", "--build", build, "-j", "2")


ASKING = """cmake_minimum_required(VERSION 3.25)
project(asking LANGUAGES CXX)
{}
foreach(library IN ITEMS sim observe)
  if(TARGET rapport::${{library}})
    message(STATUS "there is ${{library}}")
  endif()
endforeach()
"""

FMT_MISSING = b"rapport::observe needs fmt, which was not found."


def check_find_package(prefix, compiler):
    """(what is asked, with fmt, words that must be said, words that must not)"""
    there = [b"there is " + library for library in (b"sim", b"observe")]
    cases = (
        ("REQUIRED", True, there, []),
        ("REQUIRED", False, there[:1], there[1:]),
        ("REQUIRED COMPONENTS sim", False, there[:1], there[1:]),
        ("REQUIRED COMPONENTS sim observe", True, there, []),
        ("REQUIRED COMPONENTS sim observe", False, [FMT_MISSING], there),
        ("COMPONENTS sim OPTIONAL_COMPONENTS observe", False, there[:1], there[1:]),
        ("REQUIRED COMPONENTS simm", True, [b"This Rapport was built without rapport::simm."], there),
    )
    folder = os.path.join(prefix, "asking")
    for number, (asked, fmt, wanted, unwanted) in enumerate(cases):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write(ASKING.format(f"find_package(rapport {asked})"))
        build = os.path.join(folder, "build")  # the compiler is examined once
        done = subprocess.run(
            ["cmake", "-G", "Ninja", "-S", folder, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
             f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_DISABLE_FIND_PACKAGE_fmt={'OFF' if fmt else 'ON'}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        said = b" ".join(done.stdout.split())
        if not all(w in said for w in wanted) or any(u in said for u in unwanted):
            sys.stderr.buffer.write(done.stdout)
            sys.exit(f"embed: find_package({asked}), case {number}")
        if (done.returncode != 0) != (wanted[0] not in there):
            sys.exit(f"embed: find_package({asked}) ended with {done.returncode}")
    print(f"find_package: {len(cases)} ways to ask")


def build_with_pkg_config(prefix, compiler, flags):
    source = copy_of_source(os.path.join(prefix, "with-pkg-config"))
    found = [os.path.join(prefix, lib, "pkgconfig") for lib in os.listdir(prefix) if lib.startswith("lib")]
    multiarch = os.path.join(prefix, "lib")
    found += [os.path.join(multiarch, d, "pkgconfig") for d in os.listdir(multiarch)]
    path = ":".join(f for f in found if os.path.isdir(f))
    run("make", "-C", source, f"CXX={compiler}", f"CXXFLAGS={' '.join(flags) or '-O1'}",
        env=os.environ | {"PKG_CONFIG_LIBDIR": path})  # no other package, so no fmt
    asking = ["pkg-config", "--libs", "rapport-observe"]
    libs = run(*asking, env=os.environ | {"PKG_CONFIG_PATH": path}).split()
    if not {b"-lrapport_observe", b"-lrapport_stack", b"-lfmt"} <= set(libs):
        sys.exit(f"embed: {' '.join(asking)}: {libs}")


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
    check_find_package(prefix, compiler)
    for way, where in ways(prefix).items():
        for program, rest in (("core", b"left: 0 connections\n"), ("memory", b"")):
            said = run(os.path.join(where, program))
            if said != HELLO + rest:
                sys.exit(f"embed: {program}, built with {way}, said {said!r}")
            print(f"{program}, built with {way}: {said.decode().strip()}")


def part(folder, compiler, *flags):
    """Kept between runs: most of it is the compiler's work."""
    folder = os.path.abspath(folder)
    source, build_folder = os.path.join(folder, "source"), os.path.join(folder, "build")
    shutil.rmtree(source, ignore_errors=True)
    os.makedirs(folder, exist_ok=True)
    copy_of_source(source)
    launcher = shutil.which("ccache")
    run("cmake", "-G", "Ninja", "-S", os.path.join(source, "part"), "-B", build_folder,
        f"-DRAPPORT_SOURCE={ROOT}", f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_CXX_FLAGS={' '.join(flags)}",
        "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher or ''}")
    with open(os.path.join(build_folder, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    ours = [c["command"] for c in commands if c["file"] == os.path.join(source, "memory.cc")]
    leaked = [word for word in ("-Werror", "-Wall", "-march", "-fno-rtti") if any(word in c for c in ours)]
    if len(ours) != 1 or leaked or any("-Werror" in c["command"] for c in commands):
        sys.exit(f"embed: part: {leaked} in {ours}, or -Werror where the host has not asked for it")
    if any("/tests/" in c["file"] or "/app/" in c["file"] or "/bench/" in c["file"] for c in commands):
        sys.exit("embed: part: more than libraries would be built")
    run("cmake", "--build", build_folder, "-j", "2")
    said = run(os.path.join(build_folder, "memory"))
    if said != HELLO:
        sys.exit(f"embed: part: memory said {said!r}")
    built = {f for _, _, files in os.walk(build_folder) for f in files if f.endswith(".a")}
    if "librapport_shard.a" not in built or "librapport_sim.a" in built:
        sys.exit(f"embed: part: {sorted(built)} were built for shard and socket_coroutine")
    print(f"memory, with Rapport as a part of its build: {said.decode().strip()}, {len(built)} libraries built")


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
    {"build": build, "part": part, "tun": tun}[sys.argv[1]](*sys.argv[2:])
