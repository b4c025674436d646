# What a script left, owners and times of old files included.
cat /tmp/calls
find /home /oldhome /etc/fstab /etc/ssh/authorized_keys.d /etc/ssh/sshd_config.d /etc/cron.d /mnt -printf '%p %y %m %u %g %l\n' 2>/dev/null | sort
stat -c '%y %n' /home/ec2-user/.bashrc
cat /etc/fstab
for file in /etc/cron.d/* /etc/ssh/sshd_config.d/10* /etc/ssh/authorized_keys.d/* /home/ec2-user/.ssh/*; do
  if [ -f "$file" ]; then
    echo "== $file"
    cat "$file"
  fi
done
