# An RPM database made by the real rpm of packages that the real rpmbuild made: every one has its
# name and version from NAME/packages, and a few have files. Sourced by recipes after lib.sh.

# spec: one spec file with a package for every line `name epoch version release arch`.
spec() {
    printf 'Name: shaped\nVersion: 1\nRelease: 1\nSummary: none\nLicense: Public Domain\n%%description\nnone\n'
    while read -r name epoch version release arch; do
        printf '%%package -n %s\nVersion: %s\nRelease: %s\nSummary: Shaped as %s\nLicense: Public Domain\n' \
            "$name" "$version" "$release" "$name"
        [ "$epoch" = - ] || printf 'Epoch: %s\n' "$epoch"
        [ "$arch" != noarch ] || printf 'BuildArch: noarch\n'
        printf '%%description -n %s\nHas the name and the version of a package, and nothing of it.\n' "$name"
        printf '%%files -n %s\n' "$name"
        [ ! -f "$WORK/files/$name" ] || cat "$WORK/files/$name"
    done
    printf '%%install\ncat %s/files/* 2>/dev/null | while read -r file; do install -D /dev/null "%%{buildroot}$file"; done\n' "$WORK"
}

# rpm_database FORM FOLDER: installs them; FOLDER is where the distribution has its database. Debian's
# rpm writes the form sqlite; ndb is made of that.
rpm_database() {
    grep -v '^#' "$SHAPED/$NAME/packages" >"$WORK/packages"
    count=0
    while [ "$count" -lt "${FILLERS-0}" ]; do
        count=$((count + 1))
        echo "shaped-filler-$count - 1.$count ${count}.shaped noarch" >>"$WORK/packages"
    done
    spec <"$WORK/packages" >"$WORK/shaped.spec"
    rpmbuild --quiet -bb --target x86_64 --define "_topdir $WORK/rpm" --define '_build_id_links none' \
        --define '_binary_payload w0.ufdio' --define 'debug_package %{nil}' --define '__os_install_post %{nil}' \
        --define '_build_name_fmt %%{NAME}.rpm' --nodeps "$WORK/shaped.spec" >/dev/null 2>"$WORK/rpmbuild.log" ||
        { tail -n 20 "$WORK/rpmbuild.log" >&2 && exit 1; }
    mkdir -p "$root$2"
    dbpath=$2
    db() { rpm --root "$root" --dbpath "$dbpath" --define '_db_backend sqlite' "$@"; }
    db --initdb
    db --install --nodeps --justdb --noscripts --notriggers --nosignature --ignorearch --ignoreos "$WORK"/rpm/RPMS/*.rpm
    db --import "$deb"/etc/apt/trusted.gpg.d/debian-archive-bookworm-stable.asc 2>/dev/null || true
    db --query --all --queryformat '%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\n' | expect_list packages
    expect package_format "rpm-$1"
    rm -f "$root$2/.rpm.lock"
    [ "$1" = sqlite ] || ndb "$root$2"
    rm -rf "$WORK/rpm"
}

ndb() {
    sqlite3 "$1/rpmdb.sqlite" 'SELECT hnum, hex(blob) FROM Packages' | tr '|' ' ' | perl "$SHAPED/ndb.pl" >"$1/Packages.db"
    rm "$1"/rpmdb.sqlite*
}
