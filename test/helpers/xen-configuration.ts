import { run } from './tools.ts';

/** A disk as Xen's own parser reads it from an xl.cfg. */
interface ParsedXenDisk {
  readonly target: string;
  readonly vdev: string;
  readonly format: number;
  readonly readwrite: number;
}

/** What Xen's own parser reads from an xl.cfg. */
interface ParsedXenConfiguration {
  readonly strings: Readonly<Record<string, string>>;
  readonly numbers: Readonly<Record<string, number>>;
  readonly disks: readonly ParsedXenDisk[];
}

/** LIBXL_DISK_FORMAT_RAW. */
export const XEN_RAW = 4;

/** libxlutil(3) has no program of its own, and needs no hypervisor. The beginning of libxl_device_disk is the same since Xen 4.7. */
const PARSE = `
import ctypes, json, sys
xlu, libc = ctypes.CDLL('libxlutil.so'), ctypes.CDLL(None)
libc.fdopen.restype = xlu.xlu_cfg_init.restype = ctypes.c_void_p
xlu.xlu_cfg_get_listitem.restype = ctypes.c_char_p
config = ctypes.c_void_p(xlu.xlu_cfg_init(ctypes.c_void_p(libc.fdopen(2, b'w')), b'xl.cfg'))
class Disk(ctypes.Structure):
    _fields_ = [('backend_domid', ctypes.c_uint32), ('backend_domname', ctypes.c_char_p), ('target', ctypes.c_char_p),
        ('vdev', ctypes.c_char_p), ('backend', ctypes.c_int), ('format', ctypes.c_int), ('script', ctypes.c_char_p),
        ('removable', ctypes.c_int), ('readwrite', ctypes.c_int), ('rest', ctypes.c_char * 4096)]
text = sys.stdin.buffer.read()
items, count, string, number = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_char_p(), ctypes.c_long()
if xlu.xlu_cfg_readdata(config, text, len(text)): sys.exit('not read')
if xlu.xlu_cfg_get_list(config, b'disk', ctypes.byref(items), ctypes.byref(count), 0): sys.exit('no list')
disks = []
for i in range(count.value):
    disk, words = Disk(), (ctypes.c_char_p * 1)(xlu.xlu_cfg_get_listitem(items, i))
    if xlu.xlu_disk_parse(config, 1, words, ctypes.byref(disk)): sys.exit('not parsed')
    disks.append({'target': disk.target.decode(), 'vdev': disk.vdev.decode(), 'format': disk.format, 'readwrite': disk.readwrite})
strings, numbers = {}, {}
for name in ['name', 'type', 'kernel', 'ramdisk', 'extra']:
    if xlu.xlu_cfg_get_string(config, name.encode(), ctypes.byref(string), 0) == 0: strings[name] = string.value.decode()
for name in ['memory', 'vcpus']:
    if xlu.xlu_cfg_get_long(config, name.encode(), ctypes.byref(number), 0) == 0: numbers[name] = number.value
print(json.dumps({'strings': strings, 'numbers': numbers, 'disks': disks}))
`;

/** What stands in an xl.cfg. Throws with what Xen says where it does not take it. */
export const parseXenConfiguration = (text: string): ParsedXenConfiguration =>
  JSON.parse(run('python3', ['-c', PARSE], { input: Buffer.from(text) }).toString()) as ParsedXenConfiguration;
