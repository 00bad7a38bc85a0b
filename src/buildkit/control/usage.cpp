#include "buildkit/control/usage.hpp"

namespace consort::buildkit {

// An image that has a name or is in use is not cache.
std::vector<wire::UsageRecord> cache_records(const image::PruneReport& report) {
  std::vector<wire::UsageRecord> records;
  for (const image::PruneItem& item : report.items) {
    if (item.kind != image::PruneItem::Kind::layer || !item.needed_by.empty()) continue;
    wire::UsageRecord record;
    record.set_id(item.id);
    record.set_is_mutable(false);
    record.set_size(static_cast<std::int64_t>(item.size));
    record.set_record_type("regular");
    record.set_description(item.name);
    record.set_usage_count(1);
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace consort::buildkit
