#!/bin/bash
# Copies /home to the backup volume and takes a snapshot of it. Run by cron as root, and by hand whenever you like.
# Needs LAB, VOLUME, REGION and KEEP (how many snapshots to keep) from /etc/efslab-backup.conf.
set -euo pipefail
# shellcheck source=/dev/null
. /etc/efslab-backup.conf
export AWS_DEFAULT_REGION="$REGION"

say() { echo "$(date '+%F %T') $*"; }

# One at a time: who comes while another still runs goes home. The lock is gone when the script ends, however it does.
exec 9>/run/efslab-backup.lock
flock -n 9 || { say "another backup still runs"; exit 0; }

# Copying without the disk would fill the root disk.
mountpoint -q /mnt/backup || { say "nothing is mounted on /mnt/backup"; exit 1; }

say "copying /home"
rsync -a --delete --exclude=/lost+found /home/ /mnt/backup/

# However this ends, the disk is not left frozen.
thaw() { fsfreeze -u /mnt/backup 2>/dev/null || true; }
trap thaw EXIT
fsfreeze -f /mnt/backup
snapshot=$(aws ec2 create-snapshot --volume-id "$VOLUME" --description "home of $LAB" \
  --tag-specifications "ResourceType=snapshot,Tags=[{Key=efslab:lab,Value=$LAB},{Key=Name,Value=$LAB backup}]" \
  --query SnapshotId --output text)
# A snapshot is of the moment it was asked for: no need to wait until it is complete.
thaw
say "snapshot $snapshot"

# The oldest go, but for those that somebody pinned with the tag efslab:keep.
aws ec2 describe-snapshots --owner-ids self \
  --filters "Name=volume-id,Values=$VOLUME" "Name=tag:efslab:lab,Values=$LAB" \
  --query "reverse(sort_by(Snapshots[?!(Tags[?Key=='efslab:keep'])], &StartTime))[$KEEP:].SnapshotId" --output text |
  tr '\t' '\n' | while read -r old; do
  case $old in
  snap-*)
    aws ec2 delete-snapshot --snapshot-id "$old"
    say "deleted $old"
    ;;
  esac
done
