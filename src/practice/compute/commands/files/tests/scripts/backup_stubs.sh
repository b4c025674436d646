# What the backup job calls.
for name in fsfreeze mountpoint; do
  stub $name </dev/null
done
stub date <<'END'
echo '2026-01-05 12:00:00'
END
stub aws <<'END'
case "$2" in
create-snapshot) echo snap-9 ;;
describe-snapshots) printf 'snap-8\tsnap-7\n' ;;
esac
END
echo 'LAB=lab-7f3k VOLUME=vol-1 REGION=eu-west-1 KEEP=3' >/etc/efslab-backup.conf
