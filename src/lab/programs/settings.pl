# Sets kernel settings in many network namespaces. A line of input is a setting: NAMESPACE KEY VALUE (by tabs).
use strict;
use warnings;
use File::Basename qw(dirname);
require(dirname(__FILE__) . '/endpoint.pl');

# Some settings appear with their module. A kernel without loadable modules has it built in, or the setting will be missed below.
system('modprobe', '--quiet', '--all', 'br_netfilter', 'nf_conntrack') if !-e '/proc/sys/net/bridge/bridge-nf-call-iptables';

my $inside = '';
while (my $line = <STDIN>) {
  chomp($line);
  my ($namespace, $key, $value) = split /\t/, $line;
  enter_namespace($namespace) if $namespace ne $inside;
  $inside = $namespace;
  (my $file = $key) =~ tr{.}{/};
  open(my $setting, '>', "/proc/sys/$file") or die "$namespace: no setting $key: $!\n";
  print $setting $value;
  close($setting) or die "$namespace: $key = $value: $!\n";
}
