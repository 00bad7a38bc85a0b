#include "project/exec/build_caches.hpp"

#include "engine/builds.hpp"

namespace consort::project {

void warn_of_unused_caches(Session& session, const compose::Service& service) {
  const auto check = [&](const std::string& attribute, const compose::Strings& list, build::CacheSide side) {
    for (const std::string& text : list) {
      const auto specs = build::parse_cache_spec(text, side);
      if (!specs) continue;  // the build itself reports the error
      for (const build::CacheSpec& spec : *specs)
        if (spec.type == build::CacheSpec::Type::unsupported)
          session.progress.warn("service " + service.name + ": build." + attribute + " of type " + spec.type_name +
                                " is ignored: a cache can be registry, local or inline");
    }
  };
  check("cache_from", service.build->cache_from, build::CacheSide::from);
  check("cache_to", service.build->cache_to, build::CacheSide::to);
}

}  // namespace consort::project
