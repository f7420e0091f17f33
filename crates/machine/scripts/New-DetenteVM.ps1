#requires -Version 5.1
#requires -Modules Hyper-V
<#
.SYNOPSIS
Makes the virtual machine that this kit describes.

.DESCRIPTION
Run it on the Hyper-V host, in the folder of the kit. It reads kit.json and nothing else that was
written by hand; every value is data, none is code. It looks before it makes anything: whether a
machine has the name, whether the disks are whole, whether the host has what is needed. If anything
fails, what it made until then is removed again. It starts nothing.

This script was not run on Hyper-V when it was written: -WhatIf shows what it would do.

.PARAMETER DiskFolder
A folder that the disks are copied to first. Without it they stay where the kit is.

.PARAMETER SwitchName
The switch for network cards that kit.json names none for. Without it they are plugged into nothing.

.PARAMETER Path
Where the host keeps the machine's configuration. Without it the host decides.

.PARAMETER ConfigurationVersion
The version of the machine's configuration, for machines that are to move to older hosts.

.PARAMETER KeepSmbiosUuid
Sets the UUID that the guest had before, through Hyper-V's management interface.

.EXAMPLE
.\New-DetenteVM.ps1 -WhatIf

.EXAMPLE
.\New-DetenteVM.ps1 -DiskFolder D:\VMs -SwitchName External
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param(
    [string] $DiskFolder,
    [string] $SwitchName,
    [string] $Path,
    [string] $ConfigurationVersion,
    [switch] $KeepSmbiosUuid
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
[System.Threading.Thread]::CurrentThread.CurrentCulture = [System.Globalization.CultureInfo]::InvariantCulture

function Assert-That {
    param([bool] $Condition, [string] $Message)
    if (-not $Condition) {
        throw $Message
    }
}

function Read-Kit {
    $file = Join-Path -Path $PSScriptRoot -ChildPath 'kit.json'
    Assert-That (Test-Path -LiteralPath $file -PathType Leaf) 'kit.json is not beside this script.'
    $kit = [System.IO.File]::ReadAllText($file) | ConvertFrom-Json
    Assert-That ($kit.schema -ceq 'detente/hyperv-kit/1') 'kit.json is not of this version.'
    return $kit
}

# The disks are whole, and the file system lets Hyper-V use them.
function Test-Disk {
    param([string] $File, [object] $Expected)
    Assert-That (Test-Path -LiteralPath $File -PathType Leaf) ('The disk {0} is missing.' -f $File)
    $item = Get-Item -LiteralPath $File
    Assert-That ($item.Length -eq $Expected.length_bytes) ('The disk {0} is not whole.' -f $File)
    $digest = (Get-FileHash -LiteralPath $File -Algorithm SHA256).Hash
    Assert-That ($digest -eq $Expected.sha256) ('The disk {0} is not the one of the kit.' -f $File)
}

function Test-Attribute {
    param([string] $File)
    $attributes = (Get-Item -LiteralPath $File).Attributes
    foreach ($name in 'SparseFile', 'Compressed', 'Encrypted') {
        $has = $attributes -band [System.IO.FileAttributes]$name
        Assert-That (-not $has) ('The disk {0} has the attribute {1}; copy it to a folder without it, or name one with -DiskFolder.' -f $File, $name)
    }
}

# Names take wildcards where they are looked up, so they are compared here.
function Test-Host {
    param([object] $Machine)
    $same = @(Hyper-V\Get-VM | Where-Object { $_.Name -eq $Machine.name })
    Assert-That ($same.Count -eq 0) ('The host has a machine named {0} already.' -f $Machine.name)
    $switches = @(Hyper-V\Get-VMSwitch | ForEach-Object { $_.Name })
    $wanted = @($Machine.network_adapters | ForEach-Object { $_.switch }) + @($SwitchName)
    foreach ($name in $wanted) {
        if ($name) {
            Assert-That ($switches -contains $name) ('The host has no switch named {0}.' -f $name)
        }
    }
}

function New-Machine {
    param([object] $Machine)
    $parameters = @{
        Name               = $Machine.name
        Generation         = $Machine.generation
        MemoryStartupBytes = $Machine.memory.startup_bytes
        NoVHD              = $true
    }
    if ($Path) {
        $parameters.Path = $Path
    }
    if ($ConfigurationVersion) {
        $parameters.Version = $ConfigurationVersion
    }
    return Hyper-V\New-VM @parameters -Confirm:$false
}

# What a new machine has by itself and this one may not.
function Clear-Default {
    param([object] $VM)
    foreach ($adapter in @(Hyper-V\Get-VMNetworkAdapter -VM $VM)) {
        Hyper-V\Remove-VMNetworkAdapter -VMNetworkAdapter $adapter -Confirm:$false
    }
    foreach ($drive in @(Hyper-V\Get-VMDvdDrive -VM $VM)) {
        Hyper-V\Remove-VMDvdDrive -VMDvdDrive $drive -Confirm:$false
    }
}

function Set-Processor {
    param([object] $VM, [object] $Processor)
    $parameters = @{
        VM                                           = $VM
        Count                                        = $Processor.count
        Reserve                                      = $Processor.reserve_percent
        Maximum                                      = $Processor.maximum_percent
        RelativeWeight                               = $Processor.relative_weight
        ExposeVirtualizationExtensions               = $Processor.nested
        CompatibilityForMigrationEnabled             = $Processor.compatible_for_migration
        CompatibilityForOlderOperatingSystemsEnabled = $Processor.compatible_for_old_systems
    }
    $known = (Get-Command -Name 'Hyper-V\Set-VMProcessor').Parameters
    if ($Processor.threads_per_core -gt 0 -and $known.ContainsKey('HwThreadCountPerCore')) {
        $parameters.HwThreadCountPerCore = $Processor.threads_per_core
    }
    Hyper-V\Set-VMProcessor @parameters -Confirm:$false
}

function Set-Memory {
    param([object] $VM, [object] $Memory)
    if (-not $Memory.dynamic) {
        Hyper-V\Set-VMMemory -VM $VM -DynamicMemoryEnabled $false -StartupBytes $Memory.startup_bytes -Confirm:$false
        return
    }
    $parameters = @{
        VM                   = $VM
        DynamicMemoryEnabled = $true
        StartupBytes         = $Memory.startup_bytes
        MinimumBytes         = $Memory.minimum_bytes
        MaximumBytes         = $Memory.maximum_bytes
        Buffer               = $Memory.buffer_percent
        Priority             = $Memory.priority
    }
    Hyper-V\Set-VMMemory @parameters -Confirm:$false
}

function Add-Drive {
    param([object] $VM, [object] $Machine, [string] $Folder)
    $scsi = @(@($Machine.hard_disk_drives) + @($Machine.dvd_drives) | Where-Object { $_.controller_type -eq 'SCSI' })
    foreach ($drive in $scsi) {
        while (@(Hyper-V\Get-VMScsiController -VM $VM).Count -le $drive.controller_number) {
            Hyper-V\Add-VMScsiController -VM $VM -Confirm:$false
        }
    }
    foreach ($drive in @($Machine.hard_disk_drives)) {
        $parameters = @{
            VM                 = $VM
            ControllerType     = $drive.controller_type
            ControllerNumber   = $drive.controller_number
            ControllerLocation = $drive.controller_location
            Path               = Join-Path -Path $Folder -ChildPath $drive.path
        }
        Hyper-V\Add-VMHardDiskDrive @parameters -Confirm:$false
    }
    foreach ($drive in @($Machine.dvd_drives)) {
        Hyper-V\Add-VMDvdDrive -VM $VM -ControllerNumber $drive.controller_number -ControllerLocation $drive.controller_location -Confirm:$false
    }
}

function Add-Adapter {
    param([object] $VM, [object] $Adapter)
    $parameters = @{
        VM       = $VM
        Name     = $Adapter.name
        Passthru = $true
    }
    if ($VM.Generation -eq 1) {
        $parameters.IsLegacy = $Adapter.legacy
    }
    if ($Adapter.mac) {
        $parameters.StaticMacAddress = $Adapter.mac -replace ':', ''
    }
    $plug = $Adapter.switch
    if (-not $plug) {
        $plug = $SwitchName
    }
    if ($plug) {
        $parameters.SwitchName = $plug
    }
    $made = Hyper-V\Add-VMNetworkAdapter @parameters -Confirm:$false
    Hyper-V\Set-VMNetworkAdapter -VMNetworkAdapter $made -MacAddressSpoofing $Adapter.mac_spoofing -DhcpGuard $Adapter.dhcp_guard -RouterGuard $Adapter.router_guard -Confirm:$false
    $vlan = $Adapter.vlan
    if (-not $vlan) {
        return
    }
    if ($vlan.mode -eq 'Access') {
        Hyper-V\Set-VMNetworkAdapterVlan -VMNetworkAdapter $made -Access -VlanId $vlan.access_id -Confirm:$false
    }
    if ($vlan.mode -eq 'Trunk') {
        $allowed = @($vlan.allowed_ids) -join ','
        Hyper-V\Set-VMNetworkAdapterVlan -VMNetworkAdapter $made -Trunk -AllowedVlanIdList $allowed -NativeVlanId $vlan.native_id -Confirm:$false
    }
}

function Get-BootDevice {
    param([object] $VM, [object] $Source)
    if ($Source.type -eq 'Network') {
        return @(Hyper-V\Get-VMNetworkAdapter -VM $VM)[$Source.network_adapter]
    }
    $drives = @(Hyper-V\Get-VMHardDiskDrive -VM $VM) + @(Hyper-V\Get-VMDvdDrive -VM $VM)
    return $drives | Where-Object {
        $_.ControllerNumber -eq $Source.controller_number -and $_.ControllerLocation -eq $Source.controller_location
    } | Select-Object -First 1
}

function Set-Firmware {
    param([object] $VM, [object] $Machine)
    if ($Machine.generation -eq 1) {
        Hyper-V\Set-VMBios -VM $VM -StartupOrder @($Machine.startup_order) -Confirm:$false
        return
    }
    $firmware = $Machine.firmware
    if ($firmware.secure_boot -eq 'On') {
        Hyper-V\Set-VMFirmware -VM $VM -EnableSecureBoot On -SecureBootTemplate $firmware.secure_boot_template -Confirm:$false
    }
    else {
        Hyper-V\Set-VMFirmware -VM $VM -EnableSecureBoot Off -Confirm:$false
    }
    $order = @($firmware.boot_order | ForEach-Object { Get-BootDevice -VM $VM -Source $_ })
    if ($order.Count -gt 0) {
        Hyper-V\Set-VMFirmware -VM $VM -BootOrder $order -Confirm:$false
    }
}

function Set-Tpm {
    param([object] $VM, [object] $Security)
    if ($Security.tpm) {
        Hyper-V\Set-VMKeyProtector -VM $VM -NewLocalKeyProtector -Confirm:$false
        Hyper-V\Enable-VMTPM -VM $VM -Confirm:$false
    }
}

# Names of services are in the host's language: they are found by their ids.
function Set-IntegrationService {
    param([object] $VM, [object[]] $Services)
    foreach ($service in @(Hyper-V\Get-VMIntegrationService -VM $VM)) {
        $id = @([string]$service.Id -split '\\')[-1]
        $wanted = @($Services | Where-Object { $_.id -eq $id })
        if ($wanted.Count -ne 1) {
            continue
        }
        if ($wanted[0].enabled) {
            Hyper-V\Enable-VMIntegrationService -VMIntegrationService $service -Confirm:$false
        }
        else {
            Hyper-V\Disable-VMIntegrationService -VMIntegrationService $service -Confirm:$false
        }
    }
}

function Set-Policy {
    param([object] $VM, [object] $Machine)
    $parameters = @{ VM = $VM }
    if ($Machine.notes) {
        $parameters.Notes = $Machine.notes
    }
    if ($Machine.automatic_start_action) {
        $parameters.AutomaticStartAction = $Machine.automatic_start_action
        $parameters.AutomaticStartDelay = $Machine.automatic_start_delay_s
    }
    if ($Machine.automatic_stop_action) {
        $parameters.AutomaticStopAction = $Machine.automatic_stop_action
    }
    $known = (Get-Command -Name 'Hyper-V\Set-VM').Parameters
    if ($Machine.checkpoints.type -and $known.ContainsKey('CheckpointType')) {
        $parameters.CheckpointType = $Machine.checkpoints.type
    }
    if ($known.ContainsKey('AutomaticCheckpointsEnabled')) {
        $parameters.AutomaticCheckpointsEnabled = $false
    }
    Hyper-V\Set-VM @parameters -Confirm:$false
}

# No cmdlet sets it: the management interface does, with the setting as text.
function Set-SmbiosUuid {
    param([object] $VM, [string] $Uuid)
    $space = @{ Namespace = 'root\virtualization\v2' }
    $filter = "VirtualSystemIdentifier='{0}' AND VirtualSystemType='Microsoft:Hyper-V:System:Realized'" -f $VM.Id.ToString().ToUpperInvariant()
    $setting = Get-CimInstance @space -ClassName 'Msvm_VirtualSystemSettingData' -Filter $filter
    $setting.BIOSGUID = '{{{0}}}' -f $Uuid.ToUpperInvariant()
    $serializer = [Microsoft.Management.Infrastructure.Serialization.CimSerializer]::Create()
    $options = [Microsoft.Management.Infrastructure.Serialization.InstanceSerializationOptions]::None
    $text = [System.Text.Encoding]::Unicode.GetString($serializer.Serialize($setting, $options))
    $service = Get-CimInstance @space -ClassName 'Msvm_VirtualSystemManagementService'
    $answer = Invoke-CimMethod -InputObject $service -MethodName 'ModifySystemSettings' -Arguments @{ SystemSettings = $text }
    # 4096: the host does it in the background.
    Assert-That (@(0, 4096) -contains $answer.ReturnValue) ('The UUID was not set: {0}.' -f $answer.ReturnValue)
}

$kit = Read-Kit
$machine = $kit.machine
$source = $PSScriptRoot
Test-Host -Machine $machine
foreach ($file in @($kit.files)) {
    Test-Disk -File (Join-Path -Path $source -ChildPath $file.name) -Expected $file
}
if (-not $DiskFolder) {
    foreach ($file in @($kit.files)) {
        Test-Attribute -File (Join-Path -Path $source -ChildPath $file.name)
    }
}

$action = 'Make a machine of generation {0} with {1} processors, {2} disks and {3} network cards' -f $machine.generation, $machine.processor.count, @($machine.hard_disk_drives).Count, @($machine.network_adapters).Count
if (-not $PSCmdlet.ShouldProcess($machine.name, $action)) {
    return
}

$vm = $null
$copied = New-Object -TypeName 'System.Collections.Generic.List[string]'
try {
    $folder = $source
    if ($DiskFolder) {
        $folder = $DiskFolder
        Assert-That (Test-Path -LiteralPath $folder -PathType Container) ('There is no folder {0}.' -f $folder)
        foreach ($file in @($kit.files)) {
            $target = Join-Path -Path $folder -ChildPath $file.name
            Assert-That (-not (Test-Path -LiteralPath $target)) ('There is a file {0} already.' -f $target)
            $copied.Add($target)
            Copy-Item -LiteralPath (Join-Path -Path $source -ChildPath $file.name) -Destination $target -Confirm:$false
            Test-Disk -File $target -Expected $file
            Test-Attribute -File $target
        }
    }
    $vm = New-Machine -Machine $machine
    Clear-Default -VM $vm
    Set-Processor -VM $vm -Processor $machine.processor
    Set-Memory -VM $vm -Memory $machine.memory
    Add-Drive -VM $vm -Machine $machine -Folder $folder
    foreach ($adapter in @($machine.network_adapters)) {
        Add-Adapter -VM $vm -Adapter $adapter
    }
    Set-Firmware -VM $vm -Machine $machine
    Set-Tpm -VM $vm -Security $machine.security
    foreach ($port in @($machine.com_ports)) {
        Hyper-V\Set-VMComPort -VM $vm -Number $port.number -Path $port.path -Confirm:$false
    }
    Set-IntegrationService -VM $vm -Services @($machine.integration_services)
    Set-Policy -VM $vm -Machine $machine
    if ($KeepSmbiosUuid -and $machine.bios_guid) {
        Set-SmbiosUuid -VM $vm -Uuid $machine.bios_guid
    }
}
catch {
    # Removing a machine leaves its disks.
    if ($vm) {
        Hyper-V\Remove-VM -VM $vm -Force -Confirm:$false -ErrorAction Continue
    }
    foreach ($file in $copied) {
        Remove-Item -LiteralPath $file -Force -Confirm:$false -ErrorAction SilentlyContinue
    }
    throw
}

Hyper-V\Get-VM -Id $vm.Id
