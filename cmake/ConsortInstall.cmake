# cmake --install, and the Debian package (cpack --config build/release/CPackConfig.cmake).
if(NOT TARGET consort)
  return()
endif()

# Compresses the files installed there so far, as Debian requires: without a timestamp, so that packages can be compared.
function(consort_install_packed folder names)
  install(CODE "
    file(GLOB files \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${folder}/${names}\")
    execute_process(COMMAND gzip -9nf \${files} COMMAND_ERROR_IS_FATAL ANY)")
endfunction()

install(TARGETS consort RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
foreach(program consort-supervisor consort-keeper consort-place consort-init consort-wait)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/consort)
  endif()
endforeach()
# The path for Podman and containerd (docs/reference/oci.md).
install(CODE "file(CREATE_LINK consort \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/consort-runtime\" SYMBOLIC)")
install(FILES packaging/consort.socket packaging/consort.service packaging/consort-boot.service DESTINATION lib/systemd/system)
install(FILES README.md CHANGELOG.md docs/third-party.md packaging/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
configure_file(packaging/debian/changelog ${PROJECT_BINARY_DIR}/changelog @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/changelog DESTINATION ${CMAKE_INSTALL_DOCDIR})
consort_install_packed(${CMAKE_INSTALL_DOCDIR} changelog)
install(FILES packaging/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME consort)

# Man pages and completions come from the program's own command table, so they cannot drift from --help.
if(NOT CONSORT_SANITIZE AND NOT CONSORT_FUZZ)
  set(generated ${PROJECT_BINARY_DIR}/generated)
  add_custom_command(
    OUTPUT ${generated}/stamp
    COMMAND ${CMAKE_COMMAND} -E make_directory ${generated}/man
    COMMAND consort internal man ${generated}/man
    COMMAND consort internal completion bash > ${generated}/consort.bash
    COMMAND consort internal completion zsh > ${generated}/_consort
    COMMAND consort internal completion fish > ${generated}/consort.fish
    COMMAND ${CMAKE_COMMAND} -E touch ${generated}/stamp
    DEPENDS consort
    COMMENT "Writing man pages and completions")
  add_custom_target(consort_generated ALL DEPENDS ${generated}/stamp)
  install(DIRECTORY ${generated}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  consort_install_packed(${CMAKE_INSTALL_MANDIR}/man1 "*.1")
  install(CODE "file(CREATE_LINK consort.1.gz \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man1/consort-runtime.1.gz\" SYMBOLIC)")
  install(FILES ${generated}/consort.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME consort)
  install(FILES ${generated}/_consort DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
  install(FILES ${generated}/consort.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME consort)
set(CPACK_PACKAGE_CONTACT "The Consort authors <maintainers@consort.dev>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "run any Compose file without a daemon")
set(CPACK_PACKAGE_DESCRIPTION "Docker Compose and the engine under it in one program: it pulls and
builds images, makes networks and volumes, starts containers in the order of
their dependencies and keeps them running, with Docker Compose's commands.
No daemon runs where no project is up. It works with and without root.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Loaded at run time, only to pull images or fetch files for a build. Debian 13 renamed the first one.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libcurl4t64 | libcurl4, libisal2, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "git, openssh-client, passt, tzdata, uidmap")
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/postinst
  ${PROJECT_SOURCE_DIR}/packaging/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
