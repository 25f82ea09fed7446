"""ROM images with one fault planted, made by the same compiler, linker and finaliser as the image they come from.

What a fault cannot change is taken over: objects of the sources that do not see the changed file.
"""

load(
    "//rom/image:rom_image.bzl",
    "RomImageInfo",
    "compile_rom_source",
    "is_compiled",
    "link_rom_image",
)

def _sees(source, changed):
    """Whether the object of a source depends on a changed file; an assembler include cannot be seen from C++."""
    if changed.extension == "h":
        return True
    if changed.extension == "inc":
        return source.extension == "S"
    return source == changed

def _source_variant_impl(ctx):
    base = ctx.attr.base[RomImageInfo]
    originals = [f for f in base.sources + [base.linker_script] if f.short_path == ctx.attr.file]
    if len(originals) != 1:
        fail("fault %s: %s is not a source of %s" % (ctx.label.name, ctx.attr.file, ctx.attr.base.label))
    original = originals[0]

    # A tree of its own, which goes before the checkout when headers are looked for.
    root = "_%s/source/" % ctx.label.name
    planted = ctx.actions.declare_file(root + ctx.attr.file)
    folder = planted.path[:-len(ctx.attr.file) - 1]
    ctx.actions.run(
        executable = ctx.executable._plant,
        arguments = ["text", original.path, planted.path, str(ctx.attr.times), ctx.attr.find, ctx.attr.replacement],
        inputs = [original],
        outputs = [planted],
        mnemonic = "RomPlantFault",
        progress_message = "Planting %s" % ctx.label.name,
    )

    sources = [f for f in base.sources if f != original]
    objects = {}
    for source in base.sources:
        if not is_compiled(source):
            continue
        name = source.short_path
        if _sees(source, original):
            objects[name] = compile_rom_source(
                ctx,
                planted if source == original else source,
                name,
                sources + [planted],
                base.defines,
                include_first = [folder],
            )
        else:
            objects[name] = base.objects[name]
    linker_script = planted if original == base.linker_script else base.linker_script
    return link_rom_image(ctx, sources + [planted], objects, base.defines, linker_script)

source_variant = rule(
    implementation = _source_variant_impl,
    attrs = {
        "base": attr.label(providers = [RomImageInfo], mandatory = True),
        "file": attr.string(mandatory = True, doc = "Path of the source in the tree."),
        "find": attr.string(mandatory = True),
        "replacement": attr.string(mandatory = True),
        "times": attr.int(default = 1, doc = "How often the text must be found; anything else stops the build."),
        "_plant": attr.label(default = "//conformance/mutation:plant", executable = True, cfg = "exec"),
        "_finalise": attr.label(default = "//rom/image:finalise", executable = True, cfg = "exec"),
    },
)

def _byte_variant_impl(ctx):
    base = ctx.attr.base[RomImageInfo]
    elf = ctx.actions.declare_file(ctx.label.name + ".elf")
    ctx.actions.run(
        executable = ctx.executable._plant,
        arguments = [
            "bytes",
            base.elf.path,
            elf.path,
            ctx.attr.symbol,
            str(ctx.attr.offset),
            ctx.attr.old,
            ctx.attr.new,
            "stale-sum" if ctx.attr.keep_sum else "new-sum",
        ],
        inputs = [base.elf],
        outputs = [elf],
        mnemonic = "RomPlantFault",
        progress_message = "Planting %s" % ctx.label.name,
    )
    return [DefaultInfo(files = depset([elf]))]

byte_variant = rule(
    implementation = _byte_variant_impl,
    attrs = {
        "base": attr.label(providers = [RomImageInfo], mandatory = True),
        "symbol": attr.string(mandatory = True),
        "offset": attr.int(doc = "From the symbol."),
        "old": attr.string(mandatory = True, doc = "Bytes that must be there; anything else stops the build."),
        "new": attr.string(mandatory = True),
        "keep_sum": attr.bool(doc = "The ROM's checksum stays as it was."),
        "_plant": attr.label(default = "//conformance/mutation:plant", executable = True, cfg = "exec"),
    },
)

def _fault_list_impl(ctx):
    lines = []
    elves = []
    for variant, row in zip(ctx.attr.variants, ctx.attr.rows):
        elf = [f for f in variant.files.to_list() if f.extension == "elf"][0]
        elves.append(elf)
        lines.append("%s\t%s" % (row, elf.short_path))
    out = ctx.actions.declare_file(ctx.label.name + ".tsv")
    ctx.actions.write(out, "\n".join(lines) + "\n")
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles(files = [out] + elves))]

# The table for the tests: name, obligation, entries, image; one line for each fault.
fault_list = rule(
    implementation = _fault_list_impl,
    attrs = {
        "variants": attr.label_list(mandatory = True),
        "rows": attr.string_list(mandatory = True, doc = "Name, obligation and entries of each variant, with tabs between."),
    },
)

def planted_faults(name, faults, base):
    """One target for each fault, named as the fault, and the list of them all."""
    for f in faults:
        if f.kind == "source":
            source_variant(
                name = f.name,
                base = base,
                file = f.file,
                find = f.find,
                replacement = f.replacement,
                times = f.times,
            )
        else:
            byte_variant(
                name = f.name,
                base = base,
                symbol = f.symbol,
                offset = f.offset,
                old = f.old,
                new = f.new,
                keep_sum = f.keep_sum,
            )
    fault_list(
        name = name,
        variants = [":" + f.name for f in faults],
        rows = ["%s\t%s\t%s" % (f.name, f.obligation, " ".join(f.entries)) for f in faults],
    )
