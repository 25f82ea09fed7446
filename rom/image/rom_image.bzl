"""A freestanding i386 ROM image: compiled, linked by the ROM's own script, header finalised.

Outputs NAME.elf, with symbols and debug information, and NAME.rom, the part that lies in option-ROM memory.
"""

_COMMON = [
    "-m32",
    "-g",
    "-gdwarf-4",
    "-I.",
]

# Code that stays simple enough to prove: no FPU or vector registers, no jump tables, 4-byte stack slots, small structures
# in registers, one head for each loop, position fixed by the linker script.
_CXX = [
    "-std=c++20",
    "-O2",
    "-ffreestanding",
    "-march=i686",
    "-mgeneral-regs-only",
    "-mregparm=3",
    "-freg-struct-return",
    "-mpreferred-stack-boundary=2",
    "-fno-pic",
    "-fno-pie",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-jump-tables",
    "-fno-tree-ch",
    "-fno-tree-vectorize",
    "-fno-tree-loop-distribute-patterns",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fno-threadsafe-statics",
    "-fomit-frame-pointer",
    "-fcf-protection=none",
    "-Wall",
    "-Wextra",
    "-Werror",
]

# The compiler then names its folder the same in every checkout.
_ENV = {
    "PATH": "/usr/bin:/bin",
    "PWD": "/proc/self/cwd",
    "LC_ALL": "C",
}

RomImageInfo = provider(
    doc = "What a ROM image was made from, for images that differ from it in one place.",
    fields = {
        "sources": "every source and header, as files",
        "objects": "the object of each compiled source, by the source's path, in the order they are linked",
        "defines": "preprocessor definitions",
        "linker_script": "file",
        "elf": "the finished image",
    },
)

def is_compiled(source):
    return source.extension in ["cc", "S"]

def compile_rom_source(ctx, source, name, inputs, defines, include_first = []):
    """Declares the object of one source.

    Args:
      ctx: of the rule that builds the image.
      source: the file to compile.
      name: what it is called in the tree; the object is named after it.
      inputs: files it may include.
      defines: preprocessor definitions.
      include_first: folders whose headers go before the tree's own.

    Returns:
      The object file.
    """
    obj = ctx.actions.declare_file("_%s/%s.o" % (ctx.label.name, name))
    if source.extension == "cc":
        compiler, options = "/usr/bin/g++", _COMMON + _CXX
    else:
        compiler, options = "/usr/bin/gcc", _COMMON + ["-D__ASSEMBLY__"]
    ctx.actions.run(
        executable = compiler,
        arguments = ["-I" + folder for folder in include_first] + options + ["-D" + d for d in defines] +
                    ["-c", source.path, "-o", obj.path],
        inputs = [source] + inputs,
        outputs = [obj],
        env = _ENV,
        mnemonic = "RomCompile",
        progress_message = "Compiling %s for the ROM" % name,
    )
    return obj

def link_rom_image(ctx, sources, objects, defines, linker_script):
    """Declares the image itself; returns the rule's providers. ctx.executable._finalise fills in the header."""
    linked = ctx.actions.declare_file("_%s/linked.elf" % ctx.label.name)
    ctx.actions.run(
        executable = "/usr/bin/ld",
        arguments = [
            "-m",
            "elf_i386",
            "--no-warn-execstack",
            "--no-warn-rwx-segments",
            "--build-id=none",
            "-T",
            linker_script.path,
            "-o",
            linked.path,
        ] + [o.path for o in objects.values()],
        inputs = objects.values() + [linker_script],
        outputs = [linked],
        env = _ENV,
        mnemonic = "RomLink",
    )

    elf = ctx.actions.declare_file(ctx.label.name + ".elf")
    rom = ctx.actions.declare_file(ctx.label.name + ".rom")
    ctx.actions.run(
        executable = ctx.executable._finalise,
        arguments = [linked.path, elf.path, rom.path],
        inputs = [linked],
        outputs = [elf, rom],
        env = _ENV,
        mnemonic = "RomFinalise",
    )
    return [
        DefaultInfo(
            files = depset([elf, rom]),
            runfiles = ctx.runfiles(files = [elf, rom]),
        ),
        RomImageInfo(sources = sources, objects = objects, defines = defines, linker_script = linker_script, elf = elf),
    ]

def _rom_image_impl(ctx):
    objects = {
        src.short_path: compile_rom_source(ctx, src, src.short_path, ctx.files.srcs, ctx.attr.defines)
        for src in ctx.files.srcs
        if is_compiled(src)
    }
    return link_rom_image(ctx, ctx.files.srcs, objects, ctx.attr.defines, ctx.file.linker_script)

rom_image = rule(
    implementation = _rom_image_impl,
    attrs = {
        "srcs": attr.label_list(
            allow_files = [".cc", ".S", ".h", ".inc", ".def"],
            doc = "Sources, and every header they include.",
        ),
        "linker_script": attr.label(allow_single_file = [".lds"]),
        "defines": attr.string_list(doc = "Preprocessor definitions: build settings."),
        "_finalise": attr.label(
            default = "//rom/image:finalise",
            executable = True,
            cfg = "exec",
        ),
    },
)
