#include "rom/frontend/guest_memory.h"

namespace guest_memory {

bool load_table_register(uint32_t address, table_register_t& table) {
  uint32_t limit, base;
  if (!in_reach(address, 6) || !load16(address, limit) || !load32(address + 2, base)) return false;
  table = {base, limit};
  return true;
}

bool store_table_register(uint32_t address, const table_register_t& table) {
  if (!in_reach(address, 6)) return false;
  // The second page first asked, then written: a fault half-way would leave the operand torn.
  const uint32_t last_page = (address + 5) & ~(VMI_PAGE_BYTES - 1u);
  if (guest_or8(address, 0) || (last_page > address && guest_or8(last_page, 0))) return false;
  return !guest_store16(address, table.limit) && !guest_store32(address + 2, table.base);
}

}  // namespace guest_memory
