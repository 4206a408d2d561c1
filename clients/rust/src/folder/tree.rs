//! The files of a folder, reached step by step from the folder itself and never through a link, so that nothing outside of it is read, made, changed
//! or removed, whatever lies in it and whoever exchanges what lies there meanwhile.

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Component, Path};

use anyhow::{Context, Result, ensure};
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, DirBuilder, File, Metadata, OpenOptions, OpenOptionsExt, PermissionsExt};
use noted_shared::domain::Content;
use noted_shared::limits::CONTENT_BYTES_MAX;

/// What a new file may be, less what the user's mask takes away.
const NEW_FILE_MODE: u32 = 0o666;

/// A folder.
#[derive(Debug)]
pub(super) struct Tree(Dir);

/// Where a file lies or would lie: an open folder, and the name in it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: Dir,
    pub(super) name: String,
}

impl Tree {
    pub(super) fn open(root: &Path) -> Result<Self> {
        let root = Dir::open_ambient_dir(root, cap_std::ambient_authority()).with_context(|| format!("cannot read {}", root.display()))?;
        Ok(Self(root))
    }

    /// The place of a file; none if a folder on the way is not there, or is a file.
    pub(super) fn place(&self, path: &str) -> Result<Option<Place>> {
        self.walk(path, false)
    }

    /// The place of a file, in folders that are made where they are missing.
    pub(super) fn place_made(&self, path: &str) -> Result<Place> {
        self.walk(path, true)?.with_context(|| format!("cannot make the folder of {path}: a file is in its place"))
    }

    fn walk(&self, path: &str, makes: bool) -> Result<Option<Place>> {
        let segments: Vec<Component<'_>> = Path::new(path).components().collect();
        ensure!(segments.iter().all(|segment| matches!(segment, Component::Normal(_))), "{path} leads out of the folder");
        let names: Vec<&str> = segments.iter().filter_map(|segment| segment.as_os_str().to_str()).collect();
        let (name, folders) = names.split_last().context("a file has a name")?;
        let mut folder = self.0.try_clone()?;
        for segment in folders {
            if makes {
                match folder.create_dir_with(segment, &DirBuilder::new()) {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                        return Err(error).with_context(|| format!("cannot create the folder {segment} of {path}"));
                    }
                    _ => {}
                }
            }
            folder = match folder.open_dir_nofollow(segment) {
                Ok(folder) => folder,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => {
                    let is_link = folder.symlink_metadata(segment).is_ok_and(|metadata| metadata.is_symlink());
                    ensure!(!is_link, "{segment} of {path} is a link; nothing is read or written through links");
                    if error.kind() == ErrorKind::NotADirectory {
                        return Ok(None);
                    }
                    return Err(error).with_context(|| format!("cannot read the folder {segment} of {path}"));
                }
            };
        }
        Ok(Some(Place { folder, name: (*name).to_owned() }))
    }
}

impl Place {
    /// What is there, a link for itself; none if nothing is.
    pub(super) fn metadata(&self) -> io::Result<Option<Metadata>> {
        match self.folder.symlink_metadata(&self.name) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The file, if it is one.
    pub(super) fn file(&self) -> Result<File> {
        let is_file = self.metadata()?.is_some_and(|metadata| metadata.is_file());
        ensure!(is_file, "it is no plain file");
        Ok(self.folder.open_with(&self.name, OpenOptions::new().read(true).follow(FollowSymlinks::No))?)
    }

    /// The file as a note's text. One that is too large is not read.
    pub(super) fn text(&self) -> Result<Content> {
        let file = self.file()?;
        ensure!(file.metadata()?.len() <= CONTENT_BYTES_MAX as u64, "it is larger than 1 MiB");
        let mut bytes = Vec::new();
        file.take(CONTENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        let text = String::from_utf8(bytes).ok().context("it is not UTF-8 text")?;
        let content = Content::parse(text).map_err(|invalid| anyhow::anyhow!("it {invalid}"))?;
        ensure!(!content.is_too_large(), "it is larger than 1 MiB");
        Ok(content)
    }

    /// A new file beside this one, with the rights of what is there.
    pub(super) fn beside(&self) -> Result<(String, File)> {
        let mode = self.metadata()?.map(|metadata| metadata.permissions().mode());
        let name = format!(".noted-{}", uuid::Uuid::new_v4().simple());
        let mut options = OpenOptions::new();
        let file = self.folder.open_with(&name, options.write(true).create_new(true).mode(mode.unwrap_or(NEW_FILE_MODE)))?;
        if let Some(mode) = mode {
            file.set_permissions(cap_std::fs::Permissions::from_mode(mode))?;
        }
        Ok((name, file))
    }

    /// Puts a text here that only the user may read.
    pub(super) fn replace_with(&self, text: &str) -> Result<()> {
        let name = format!(".noted-{}", uuid::Uuid::new_v4().simple());
        let mut file = self.folder.open_with(&name, OpenOptions::new().write(true).create_new(true).mode(0o600))?;
        file.write_all(text.as_bytes())?;
        Ok(self.folder.rename(&name, &self.folder, &self.name)?)
    }

    /// A rename is safe from a power failure once its folder is on disk.
    pub(super) fn flush(&self) -> Result<()> {
        Ok(self.folder.open(".")?.sync_all()?)
    }
}
