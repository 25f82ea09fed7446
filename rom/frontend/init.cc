// Init: take over from the boot environment, and make the guest's copy of the call table work where the guest has it.
#include "rom/backend/hypervisor.h"
#include "rom/frontend/boundary.h"
#include "rom/frontend/guest_memory.h"
#include "rom/frontend/idt.h"
#include "rom/frontend/segments.h"

// From the linker script and rom/entry: the table as it was linked, the return point in Init's slot, and the offsets of
// the 32-bit displacements that depend on where the table runs.
extern "C" const char vmi_rom[];
extern "C" const char vmi_rom_end[];
extern "C" const char init_return_point[];
extern "C" const uint32_t vmi_patchups[];
extern "C" const uint32_t vmi_patchups_end[];

namespace {

uint32_t address_of(const char* symbol) { return reinterpret_cast<uint32_t>(symbol); }

// True where guest memory holds this ROM's header.
bool rom_lies_at(uint32_t base) {
  uint32_t signature, version;
  return guest_memory::load32(base + VMI_HEADER_SIGNATURE, signature) && signature == VMI_SIGNATURE &&
         guest_memory::load16(base + VMI_HEADER_MINOR, version) &&
         version == (VMI_API_MAJOR << 8 | VMI_API_MINOR);
}

// Makes every displacement of the copy at base reach what it reaches in the table as linked. Computed from the linked
// table each time, so doing it again changes nothing. Nothing is written unless all of it can be.
bool fix_patchups(uint32_t base) {
  const uint32_t size = address_of(vmi_rom_end) - address_of(vmi_rom);
  const uint32_t last_page = (base + size - 1) & ~(VMI_PAGE_BYTES - 1u);
  if (!guest_memory::in_reach(base, size)) return false;
  for (uint32_t page = last_page; page > base; page -= VMI_PAGE_BYTES) {
    if (guest_or8(page, 0)) return false;
  }
  if (guest_or8(base, 0)) return false;
  for (const uint32_t* patchup = vmi_patchups; patchup != vmi_patchups_end; ++patchup) {
    const uint32_t linked = *reinterpret_cast<const uint32_t*>(vmi_rom + *patchup);
    if (guest_store32(base + *patchup, linked + address_of(vmi_rom) - base)) return false;
  }
  return true;
}

bool take_over() {
  vcpu_t& cpu = get_cpu();
  if (cpu.initialised) return true;
  uint32_t ss;
  asm("mov %%ss, %0" : "=r"(ss));
  cpu.flat_cs = code_selector();
  cpu.flat_ds = ss;
  if (follow_guest_idt() < 0 || hypervisor::install_gdt() < 0) return false;
  cpu.initialised = 1;
  return true;
}

}  // namespace

VMI_EXT(Init) {
  // The ABI hands over the address the guest will call the table at. A client that passes none runs it in place.
  uint32_t base = frame->eax;
  bool ready = take_over();
  if (ready) {
    if (!rom_lies_at(base)) base = frame->stub_return_address - (address_of(init_return_point) - address_of(vmi_rom));
    ready = base == address_of(vmi_rom) || fix_patchups(base);
  }
  frame->eax = ready ? 0 : -1;
}
