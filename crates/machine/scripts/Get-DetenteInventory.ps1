#requires -Version 5.1
#requires -Modules Hyper-V
<#
.SYNOPSIS
Writes down what this Hyper-V host knows of its virtual machines, and changes nothing.

.DESCRIPTION
Run it on the Hyper-V host. It asks and never sets. It writes a JSON document for `detente convert`:
put it as inventory.json beside the disks, in the folder of an export.

This script was not run on Hyper-V when it was written.

.PARAMETER Id
The ids of the machines; without it, all machines of this host. Get-VM shows them.

.PARAMETER OutFile
The file to write; without it the document goes to standard output.

.EXAMPLE
.\Get-DetenteInventory.ps1 -OutFile inventory.json

.EXAMPLE
.\Get-DetenteInventory.ps1 -Id (Get-VM -Name web).Id -OutFile E:\export\web\inventory.json
#>
[CmdletBinding()]
param(
    [guid[]] $Id,
    [string] $OutFile
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
[System.Threading.Thread]::CurrentThread.CurrentCulture = [System.Globalization.CultureInfo]::InvariantCulture

# Older hosts do not have every property.
function Get-Value {
    param([object] $From, [string] $Name)
    if ($null -eq $From) {
        return $null
    }
    $property = $From.PSObject.Properties[$Name]
    if ($null -eq $property) {
        return $null
    }
    return $property.Value
}

# Enumerations by their names, which are the same in every language.
function Get-Name {
    param([object] $From, [string] $Name)
    $value = Get-Value -From $From -Name $Name
    if ($null -eq $value) {
        return $null
    }
    return [string]$value
}

function Get-Disk {
    param([object] $Drive)
    $file = $null
    $size = $null
    if ($Drive.Path -and -not $Drive.DiskNumber) {
        $file = Hyper-V\Get-VHD -Path $Drive.Path -ErrorAction SilentlyContinue
        $size = Get-Value -From $file -Name 'Size'
    }
    return [ordered]@{
        controller_type       = [string]$Drive.ControllerType
        controller_number     = [int]$Drive.ControllerNumber
        controller_location   = [int]$Drive.ControllerLocation
        path                  = [string]$Drive.Path
        disk_number           = $Drive.DiskNumber
        shared                = [bool](Get-Value -From $Drive -Name 'SupportPersistentReservations')
        size_bytes            = $size
        logical_sector_bytes  = Get-Value -From $file -Name 'LogicalSectorSize'
        physical_sector_bytes = Get-Value -From $file -Name 'PhysicalSectorSize'
        vhd_type              = Get-Name -From $file -Name 'VhdType'
        parent_path           = [string](Get-Value -From $file -Name 'ParentPath')
    }
}

function Get-Drive {
    param([object] $Drive)
    return [ordered]@{
        controller_type     = [string]$Drive.ControllerType
        controller_number   = [int]$Drive.ControllerNumber
        controller_location = [int]$Drive.ControllerLocation
        path                = [string]$Drive.Path
    }
}

function Get-Adapter {
    param([object] $Adapter)
    $vlan = Hyper-V\Get-VMNetworkAdapterVlan -VMNetworkAdapter $Adapter
    return [ordered]@{
        name         = [string]$Adapter.Name
        legacy       = [bool]$Adapter.IsLegacy
        mac          = [string]$Adapter.MacAddress
        dynamic_mac  = [bool]$Adapter.DynamicMacAddressEnabled
        switch       = [string]$Adapter.SwitchName
        vlan         = [ordered]@{
            mode        = [string]$vlan.OperationMode
            access_id   = [int]$vlan.AccessVlanId
            native_id   = [int]$vlan.NativeVlanId
            allowed_ids = @($vlan.AllowedVlanIdList | ForEach-Object { [int]$_ })
        }
        mac_spoofing = [string]$Adapter.MacAddressSpoofing
        dhcp_guard   = [string]$Adapter.DhcpGuard
        router_guard = [string]$Adapter.RouterGuard
    }
}

function Get-BootSource {
    param([object] $Source, [object[]] $Adapters)
    $device = Get-Value -From $Source -Name 'Device'
    $index = $null
    if ([string]$Source.BootType -eq 'Network' -and $null -ne $device) {
        $wanted = [string](Get-Value -From $device -Name 'Id')
        for ($i = 0; $i -lt $Adapters.Count; $i++) {
            if ([string]$Adapters[$i].Id -eq $wanted) {
                $index = $i
            }
        }
    }
    return [ordered]@{
        type                = [string]$Source.BootType
        controller_number   = Get-Value -From $device -Name 'ControllerNumber'
        controller_location = Get-Value -From $device -Name 'ControllerLocation'
        network_adapter     = $index
    }
}

function Get-Firmware {
    param([object] $VM, [object[]] $Adapters)
    if ($VM.Generation -ne 2) {
        return $null
    }
    $firmware = Hyper-V\Get-VMFirmware -VM $VM
    return [ordered]@{
        secure_boot          = [string]$firmware.SecureBoot
        secure_boot_template = [string](Get-Value -From $firmware -Name 'SecureBootTemplate')
        boot_order           = @($firmware.BootOrder | ForEach-Object { Get-BootSource -Source $_ -Adapters $Adapters })
    }
}

function Get-Security {
    param([object] $VM)
    $security = $null
    if ($VM.Generation -eq 2) {
        $security = Hyper-V\Get-VMSecurity -VM $VM
    }
    return [ordered]@{
        tpm      = [bool](Get-Value -From $security -Name 'TpmEnabled')
        shielded = [bool](Get-Value -From $security -Name 'Shielded')
    }
}

function Get-AssignedDevice {
    param([object] $VM)
    foreach ($device in @(Hyper-V\Get-VMAssignableDevice -VM $VM)) {
        [ordered]@{ kind = 'Dda'; name = [string]$device.LocationPath }
    }
    if (Get-Command -Name 'Hyper-V\Get-VMGpuPartitionAdapter' -ErrorAction SilentlyContinue) {
        foreach ($device in @(Hyper-V\Get-VMGpuPartitionAdapter -VM $VM)) {
            [ordered]@{ kind = 'GpuPartition'; name = [string](Get-Value -From $device -Name 'InstancePath') }
        }
    }
}

function Get-BiosGuid {
    param([object] $VM)
    $filter = "VirtualSystemIdentifier='{0}' AND VirtualSystemType='Microsoft:Hyper-V:System:Realized'" -f $VM.Id.ToString().ToUpperInvariant()
    $setting = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName 'Msvm_VirtualSystemSettingData' -Filter $filter
    return [string](Get-Value -From $setting -Name 'BIOSGUID')
}

function Get-Machine {
    param([object] $VM)
    $processor = Hyper-V\Get-VMProcessor -VM $VM
    $memory = Hyper-V\Get-VMMemory -VM $VM
    $adapters = @(Hyper-V\Get-VMNetworkAdapter -VM $VM)
    $startup = @()
    $floppy = $null
    if ($VM.Generation -eq 1) {
        $startup = @((Hyper-V\Get-VMBios -VM $VM).StartupOrder | ForEach-Object { [string]$_ })
        $floppy = [string](Hyper-V\Get-VMFloppyDiskDrive -VM $VM).Path
    }
    return [ordered]@{
        name                    = [string]$VM.Name
        id                      = [string]$VM.Id
        generation              = [int]$VM.Generation
        version                 = [string]$VM.Version
        state                   = [string]$VM.State
        notes                   = [string]$VM.Notes
        bios_guid               = Get-BiosGuid -VM $VM
        processor               = [ordered]@{
            count                      = [int]$processor.Count
            threads_per_core           = [int](Get-Value -From $processor -Name 'HwThreadCountPerCore')
            reserve_percent            = [int]$processor.Reserve
            maximum_percent            = [int]$processor.Maximum
            relative_weight            = [int]$processor.RelativeWeight
            nested                     = [bool](Get-Value -From $processor -Name 'ExposeVirtualizationExtensions')
            compatible_for_migration   = [bool]$processor.CompatibilityForMigrationEnabled
            compatible_for_old_systems = [bool]$processor.CompatibilityForOlderOperatingSystemsEnabled
        }
        memory                  = [ordered]@{
            startup_bytes  = [long]$memory.Startup
            dynamic        = [bool]$memory.DynamicMemoryEnabled
            minimum_bytes  = [long]$memory.Minimum
            maximum_bytes  = [long]$memory.Maximum
            buffer_percent = [int]$memory.Buffer
            priority       = [int]$memory.Priority
        }
        firmware                = Get-Firmware -VM $VM -Adapters $adapters
        startup_order           = $startup
        security                = Get-Security -VM $VM
        hard_disk_drives        = @(Hyper-V\Get-VMHardDiskDrive -VM $VM | ForEach-Object { Get-Disk -Drive $_ })
        dvd_drives              = @(Hyper-V\Get-VMDvdDrive -VM $VM | ForEach-Object { Get-Drive -Drive $_ })
        floppy_path             = $floppy
        network_adapters        = @($adapters | ForEach-Object { Get-Adapter -Adapter $_ })
        com_ports               = @(Hyper-V\Get-VMComPort -VM $VM | ForEach-Object {
                [ordered]@{ number = [int](@($_.Name -split ' ')[-1]); path = [string]$_.Path }
            })
        integration_services    = @(Hyper-V\Get-VMIntegrationService -VM $VM | ForEach-Object {
                [ordered]@{ id = @([string]$_.Id -split '\\')[-1]; enabled = [bool]$_.Enabled }
            })
        checkpoints             = [ordered]@{
            type      = Get-Name -From $VM -Name 'CheckpointType'
            automatic = [bool](Get-Value -From $VM -Name 'AutomaticCheckpointsEnabled')
            existing  = @(Hyper-V\Get-VMSnapshot -VM $VM).Count
        }
        automatic_start_action  = [string]$VM.AutomaticStartAction
        automatic_start_delay_s = [int]$VM.AutomaticStartDelay
        automatic_stop_action   = [string]$VM.AutomaticStopAction
        assigned_devices        = @(Get-AssignedDevice -VM $VM)
        clustered               = [bool]$VM.IsClustered
    }
}

$machines = @(Hyper-V\Get-VM)
if ($Id) {
    $machines = @($machines | Where-Object { $Id -contains $_.Id })
    if ($machines.Count -ne @($Id).Count) {
        throw 'This host does not have all of these machines.'
    }
}
$system = Get-CimInstance -ClassName 'Win32_OperatingSystem'
$document = [ordered]@{
    schema   = 'detente/hyperv-inventory/1'
    host     = [ordered]@{
        product = [string]$system.Caption
        version = [string]$system.Version
    }
    machines = @($machines | ForEach-Object { Get-Machine -VM $_ })
}
$json = $document | ConvertTo-Json -Depth 8
if ($OutFile) {
    # UTF-8 without a byte order mark, in the folder that the operator is in.
    $full = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($OutFile)
    [System.IO.File]::WriteAllText($full, $json)
}
else {
    $json
}
