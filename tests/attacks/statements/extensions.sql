# Code of others, and the engine's own settings.

-- an extension from the repository
-- open: untried it would use the network
-- held: error Permission Error
install httpfs

-- an extension from the community
-- open: untried it would use the network
-- held: error Permission Error
install shellfs from community

-- an extension from an address
-- open: untried it would use the network
-- held: error Permission Error
install httpfs from 'http://127.0.0.1:1'

-- an extension from a folder
-- open: error
-- held: error Permission Error
install '{dir}/x.duckdb_extension'

-- an extension by its name
-- open: error
-- held: error Permission Error
load httpfs

-- an extension by its path
-- open: error
-- held: error Permission Error
load '{dir}/x.duckdb_extension'

-- a library by its path
-- open: error
-- held: error Permission Error
load '/lib/x86_64-linux-gnu/libc.so.6'

-- newer extensions
-- open: untried it would use the network
-- held: error Permission Error
update extensions

-- a forced installation
-- open: untried it would use the network
-- held: error Permission Error
force install spatial

-- unsigned extensions
-- open: error
-- held: error Invalid Input Error
set allow_unsigned_extensions = true

-- community extensions
-- open: error
-- held: error Invalid Input Error
set allow_community_extensions = true

-- installation by itself
-- open: done
-- held: error Invalid Input Error
set autoinstall_known_extensions = true

-- loading by itself
-- open: done
-- held: error Invalid Input Error
set autoload_known_extensions = true

-- another repository
-- open: done
-- held: error Invalid Input Error
set custom_extension_repository = 'http://127.0.0.1:1'

-- another folder of extensions
-- open: done
-- held: error Invalid Input Error
set extension_directory = '{dir}'

-- external access, set
-- open: error
-- held: error Invalid Input Error
set enable_external_access = true

-- external access, reset
-- open: error
-- held: error Invalid Input Error
reset enable_external_access

-- external access, by pragma
-- open: error
-- held: error Invalid Input Error
pragma enable_external_access = true

-- the lock, set
-- open: done
-- held: error Invalid Input Error
set lock_configuration = false

-- the lock, reset
-- open: done
-- held: error Invalid Input Error
reset lock_configuration

-- the lock, set globally
-- open: done
-- held: error Invalid Input Error
set global lock_configuration = false

-- the list of free settings
-- open: done
-- held: error Invalid Input Error
set allowed_configs = ['threads', 'memory_limit', 'enable_external_access']

-- the list of free settings, reset
-- open: done
-- held: error Invalid Input Error
reset allowed_configs

-- a folder that may be read
-- open: done
-- held: error Invalid Input Error
set allowed_directories = ['/']

-- a file that may be read
-- open: done
-- held: error Invalid Input Error
set allowed_paths = ['/etc/passwd']

-- the file systems that are off
-- open: done
-- held: error Invalid Input Error
set disabled_filesystems = ''

-- more memory
-- open: done
-- held: error Invalid Input Error
set memory_limit = '100GB'

-- more memory by its other name
-- open: done
-- held: error Invalid Input Error
set max_memory = '100GB'

-- more memory by pragma
-- open: done
-- held: error Invalid Input Error
pragma memory_limit = '100GB'

-- memory, reset
-- open: done
-- held: error Invalid Input Error
reset memory_limit

-- more threads
-- open: done
-- held: error Invalid Input Error
set threads = 64

-- more threads by pragma
-- open: done
-- held: error Invalid Input Error
pragma threads = 64

-- threads of others
-- open: error
-- held: error Invalid Input Error
set external_threads = 32

-- more scratch space
-- open: done
-- held: error Invalid Input Error
set max_temp_directory_size = '100GB'

-- another scratch folder
-- open: done
-- held: error Invalid Input Error
set temp_directory = '/tmp'

-- another home
-- open: done
-- held: error Invalid Input Error
set home_directory = '{dir}'

-- deeper nesting
-- open: done
-- held: error Invalid Input Error
set max_expression_depth = 1000000

-- secrets in clear
-- open: error
-- held: error Invalid Input Error
set allow_unredacted_secrets = true

-- a larger buffer for results
-- open: done
-- held: error Invalid Input Error
set streaming_buffer_size = '10GB'

-- verification, which doubles the work
-- open: done
-- held: harmless it makes one's own statements slower
pragma enable_verification

-- profiles on the screen
-- open: done
-- held: harmless the screen of a worker leads nowhere
pragma enable_profiling

-- a progress bar on the screen
-- open: done
-- held: harmless the screen of a worker leads nowhere
pragma enable_progress_bar

-- another parser
-- open: done
-- held: error Invalid Input Error
set allow_parser_override_extension = 'strict'

-- a debugging switch
-- open: done
-- held: error Invalid Input Error
set debug_force_external = true

-- a key for Parquet
-- open: done
-- held: harmless there is no file to read with it
pragma add_parquet_key('k', '0123456789112345')
