// What the front end asks of a hypervisor. Each request is one message of the model's hypervisor; rom/backend/<target>
// carries it out. Results are the hypervisor's: 0, or a negative error number.
#ifndef VMIROM_ROM_BACKEND_HYPERVISOR_H_
#define VMIROM_ROM_BACKEND_HYPERVISOR_H_

#include <stdint.h>

#include "model/abi/constants.h"

// A segment descriptor as the processor reads it.
struct descriptor_t {
  uint32_t low;
  uint32_t high;
};

// An entry of the hypervisor's trap table.
struct trap_gate_t {
  uint8_t vector;
  uint8_t dpl;
  uint16_t selector;
  uint32_t handler;
};

namespace hypervisor {

// A table that the processor uses, kept in step with the guest's own. Readable here; written by the hypervisor alone.
struct DescriptorTable {
  const volatile descriptor_t* entries;
  const uint32_t* frames;  // of its pages, as the hypervisor numbers memory
};

extern const DescriptorTable gdt;
extern const DescriptorTable ldt;

// Gates of gates[0 .. X86_GATES), in order; gates[X86_GATES] must be zero and ends the table.
int32_t set_trap_table(const trap_gate_t* gates);

// The gdt table becomes the processor's GDT.
int32_t install_gdt();

// Entry index of a table becomes descriptor. The hypervisor may refuse; nothing changes then.
int32_t update_descriptor(const DescriptorTable& table, uint32_t index, descriptor_t descriptor);

// The first entries of the ldt table become the processor's LDT; none when 0.
int32_t install_ldt(uint32_t entries);

// Stack for entries from user mode.
int32_t set_kernel_stack(uint32_t ss, uint32_t esp);

// The address of the last page fault the hypervisor reported.
uint32_t fault_address();

// Prints a line on the hypervisor's console and stops the virtual machine.
[[noreturn]] void stop(const char* message, uint32_t length);

}  // namespace hypervisor

#endif  // VMIROM_ROM_BACKEND_HYPERVISOR_H_
